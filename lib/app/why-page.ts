/** `?why`: which volunteer a client is sent to, and what speaks against the others; a page for browsers, JSON for the rest. */
import { displayName } from '../base/byte-name.js'
import type { HttpAnswer, HttpRequest } from '../base/http.js'
import { textAnswer } from '../base/http-answers.js'
import type { Verdict } from '../mirror/select.js'
import { html, htmlAnswer, sizeText, wantsHtml } from './html-page.js'
import type { Explanation } from './redirect-desk.js'

type Subject = { readonly module: string; readonly name: string; readonly size: number }

/** @param explained null: nobody volunteers, or there is nothing to send elsewhere */
export function whyAnswer(
  subject: Subject,
  explained: Explanation | null,
  request: HttpRequest,
): HttpAnswer {
  const told = plainOf(subject, explained, request)
  const headers = { 'cache-control': 'no-store', vary: 'Accept' }
  if (!wantsHtml(request.headers))
    return textAnswer(200, `${JSON.stringify(told, null, 2)}\n`, {
      ...headers,
      'content-type': 'application/json',
    })
  return htmlAnswer(`Why: ${told.file}`, page(told), headers)
}

type Told = {
  readonly file: string
  readonly size: number
  readonly client: { readonly address: string; readonly class: string; readonly oneTry: boolean }
  readonly decision: { readonly kind: string; readonly reason: string; readonly volunteer?: string }
  readonly volunteers: readonly ToldVolunteer[]
}
type ToldVolunteer = {
  readonly id: string
  readonly url: string
  readonly standing: string
  readonly fault: string | null
  /** Bytes a second. */
  readonly rate: number
  /** 1: all it can send. */
  readonly load: number
}

function plainOf(subject: Subject, explained: Explanation | null, request: HttpRequest): Told {
  const file = `/${subject.module}/${displayName(subject.name)}`
  const { address } = request.remote
  if (explained === null)
    return {
      file,
      size: subject.size,
      client: { address, class: 'other', oneTry: false },
      decision: { kind: 'here', reason: 'no volunteers' },
      volunteers: [],
    }
  const { client, decision, verdicts } = explained
  return {
    file,
    size: subject.size,
    client,
    decision:
      decision.kind === 'here'
        ? decision
        : { kind: 'redirect', reason: decision.reason, volunteer: decision.chosen.id },
    volunteers: verdicts.toSorted(order).map(toldVolunteer),
  }
}

function toldVolunteer({ volunteer, fault, rate, load }: Verdict): ToldVolunteer {
  const { id, baseUrl, standing } = volunteer
  const why = 'why' in standing ? `: ${standing.why}` : ''
  return { id, url: baseUrl, standing: standing.state + why, fault, rate, load }
}

/** Those that could be chosen first, by load. */
function order(a: Verdict, b: Verdict): number {
  return Number(a.fault !== null) - Number(b.fault !== null) || a.load - b.load
}

function* page({ file, size, client, decision, volunteers }: Told): Iterable<string> {
  const who = decision.volunteer === undefined ? 'the centre' : decision.volunteer
  const oneTry = client.oneTry ? ', of one try' : ''
  yield `<h1>${html(file)}</h1>\n<p>${sizeText(size)}, for ${html(client.address)} (${html(client.class)}${oneTry}): from <strong>${html(who)}</strong>, ${html(decision.reason)}.</p>\n`
  if (volunteers.length === 0) return
  yield '<table><thead><tr><th>Volunteer</th><th>Against it</th><th class="n">Load</th><th class="n">Rate</th></tr></thead><tbody>\n'
  for (const { id, url, standing, fault, rate, load } of volunteers)
    yield `<tr><td class="w"><a href="${html(url)}">${html(id)}</a> <span class="d">${html(standing)}</span></td><td>${html(fault ?? '')}</td><td class="n">${Math.round(load * 100)} %</td><td class="n">${sizeText(Math.round(rate))}/s</td></tr>\n`
  yield '</tbody></table>\n'
}
