/** `/` of a centre: which modules there are. */
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { textAnswer } from '../base/http-answers.js'
import type { ServedModule } from './module.js'

export function modulesPage(modules: readonly ServedModule[], _request: HttpRequest): HttpAnswer {
  return textAnswer(200, modules.map(({ name }) => `${name}/\n`).join(''))
}
