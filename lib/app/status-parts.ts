/** What the status pages are made of. Texts are HTML already, unless a name says otherwise. */
import type { MinuteBytes } from '../mirror/deliveries.js'
import { html } from './html-page.js'

export function card(value: string, what: string): string {
  return `<div class="card"><b>${value}</b><span>${what}</span></div>`
}

/** @param plain text */
export function pill(state: string, plain: string): string {
  return `<span class="pill ${state}">${html(plain)}</span>`
}

/** The first column is a name; the others are figures. On a phone each row is a list. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const place = (i: number): string => (i === 0 ? 'w' : 'n')
  const head = heads.map((each, i) => `<th class="${place(i)}">${each}</th>`).join('')
  const body = rows.map(
    (row) =>
      `<tr>${row.map((cell, i) => `<td class="${place(i)}" data-l="${heads[i] ?? ''}">${cell}</td>`).join('')}</tr>`,
  )
  return `<table class="stack"><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`
}

/** @param part 1: all of it */
export function bar(part: number): string {
  const width = Math.round(Math.min(1, Math.max(0, part)) * 1000) / 10
  const full = part > 0.95 ? ' class="full"' : ''
  return `<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="4"${full}/></svg>`
}

/** A column for each minute: from volunteers below, from here above. */
export function hourChart(minutes: readonly MinuteBytes[]): string {
  const most = minutes.reduce((max, { away, here }) => Math.max(max, away + here), 1)
  const columns = minutes.map(({ away, here }, i) => {
    const [a, h] = [(away / most) * 100, (here / most) * 100].map((y) => Math.round(y * 10) / 10)
    return `<rect class="a" x="${i * 10}" y="${100 - (a ?? 0)}" width="8" height="${a}"/><rect class="h" x="${i * 10}" y="${100 - (a ?? 0) - (h ?? 0)}" width="8" height="${h}"/>`
  })
  return `<svg class="hour" viewBox="0 0 ${minutes.length * 10} 100" preserveAspectRatio="none" role="img" aria-label="Bytes by minute, of the last hour">${columns.join('')}</svg>`
}

export function count(n: number): string {
  return n.toLocaleString('en-US')
}

/** A time that has passed. */
export function since(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  if (s < 120) return `${s} s`
  if (s < 7200) return `${Math.round(s / 60)} min`
  return s < 172_800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} days`
}

/** @param seconds since the epoch; in UTC */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')
}
