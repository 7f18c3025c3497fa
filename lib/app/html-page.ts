/** Pages for a browser: no script, nothing from elsewhere, light or dark as the reader likes it. */
import { hash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { utf8Bytes } from '../base/bytes.js'
import type { HttpAnswer } from '../base/http.js'

/** Of every page. */
export const STYLE = `
:root { color-scheme: light dark; --line: #d9dde3; --dim: #5b6472; --link: #0b57d0; --back: #fff; --row: #f4f6f9; --text: #1b1f24 }
@media (prefers-color-scheme: dark) { :root { --line: #31363f; --dim: #9aa4b2; --link: #8ab4f8; --back: #15181d; --row: #1e2229; --text: #e4e7eb } }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 3rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.25rem; font-weight: 600; margin: 0 0 1rem; overflow-wrap: anywhere }
a { color: var(--link); text-decoration: none }
a:hover, a:focus-visible { text-decoration: underline }
table { border-collapse: collapse; width: 100% }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
th { font-weight: 600; white-space: nowrap }
tbody tr:hover { background: var(--row) }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.w { overflow-wrap: anywhere }
.d, footer { color: var(--dim) }
footer { margin-top: 1rem; font-size: .875rem }
@media (max-width: 40rem) { body { padding: 1rem .25rem 2rem } th, td { padding: .4rem .35rem } .h { display: none } }
`

/** What a page has beside its text. The policy lets a browser take this and nothing else. */
export type Dress = { readonly head: string; readonly policy: string }

/** @param script may talk to where the page comes from; null: none */
export function dressOf(style: string, script: string | null): Dress {
  const of = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src ${of(style)}`,
    ...(script === null ? [] : [`script-src ${of(script)}`, "connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  // no icon is asked for: it would be a module of that name
  const icon = '<link rel="icon" href="data:,">'
  const head = `${icon}<style>${style}</style>${script === null ? '' : `<script type="module">${script}</script>`}`
  return { head, policy }
}

const PLAIN = dressOf(STYLE, null)

/** Goes out together, and between two of them others get the thread. */
const PART = 64 * 1024

/** @param title plain text @param body HTML; the pieces are made as the client takes them */
export function htmlAnswer(
  title: string,
  body: Iterable<string>,
  headers: Readonly<Record<string, string>>,
  { head, policy }: Dress = PLAIN,
): HttpAnswer {
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      ...headers,
    },
    body: parts(title, head, body),
  }
}

async function* parts(
  title: string,
  head: string,
  body: Iterable<string>,
): AsyncIterable<Uint8Array> {
  let text = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${html(title)}</title>${head}\n`
  for (const piece of body) {
    text += piece
    if (text.length < PART) continue
    yield utf8Bytes(text)
    text = ''
    await breathe()
  }
  yield utf8Bytes(`${text}</html>\n`)
}

/** Text as it stands in HTML, also between quotes. */
export function html(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

/** Does the client ask for a page rather than for plain text? Browsers name it, tools do not. */
export function wantsHtml(headers: ReadonlyMap<string, string>): boolean {
  return /(^|[,\s])text\/html\b/i.test(headers.get('accept') ?? '')
}

/** Three digits and a unit of 1000. */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return unit === 0 ? `${bytes} B` : `${value.toPrecision(3)} ${UNITS[unit]}`
}
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
