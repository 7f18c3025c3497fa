/** `prsync keygen FILE`. */
import { keygen } from '../app/keygen.js'
import { EXIT, type ExitCode } from '../base/errors.js'
import { type Command, command, parse } from './program.js'

export function keygenProgram(): Command {
  return command('keygen', "Make a centre's key and print its fingerprint.")
    .argument('<file>', 'a new file; the key of a centre is STATE/key')
    .addHelpText(
      'after',
      `
A file that is there already is left alone, and its fingerprint printed.

Example:
  prsync keygen /var/lib/prsync/key`,
    )
}

export function keygenCommand(argv: readonly string[]): ExitCode {
  const cli = keygenProgram()
  if (!parse(cli, argv)) return EXIT.ok
  const [file = ''] = cli.args
  const { fingerprint, made } = keygen(file)
  if (!made) process.stderr.write(`prsync: ${file} holds a key already\n`)
  process.stdout.write(`${fingerprint}\n`)
  return EXIT.ok
}
