/** --log-file: opened as who calls, before --copy-as. */
export { openToAppend } from '../io/operator.js'
