/** How the status pages look, and the script that keeps them as they are now. One script for all: the server makes every page. */
import { dressOf, STYLE } from './html-page.js'

const LOOK = `
:root { --card: #f6f8fa; --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; --mute: #6e7781; --away: #2da44e; --here: #bf8700; --track: #e2e6ea }
@media (prefers-color-scheme: dark) { :root { --card: #1c2128; --good: #57ab5a; --warn: #d4a72c; --bad: #f47067; --mute: #9aa4b2; --away: #3fb950; --here: #d29922; --track: #31363f } }
body { max-width: 76rem }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; padding-bottom: .75rem; margin-bottom: 1.25rem; border-bottom: 1px solid var(--line) }
nav a[aria-current] { color: var(--text); font-weight: 600 }
#live { margin-left: auto; color: var(--dim); font-size: .875rem }
#live::before { content: ""; display: inline-block; width: .55em; height: .55em; margin-right: .4em; border-radius: 50%; background: var(--mute) }
#live.on::before { background: var(--good) }
h2 { font-size: 1rem; font-weight: 600; margin: 1.75rem 0 .5rem; overflow-wrap: anywhere }
.cards { display: grid; grid-template-columns: repeat(4, 1fr); gap: .75rem; margin: 0 0 1rem }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .85rem }
.card b { display: block; font-size: 1.4rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums }
.card span { display: block; color: var(--dim); font-size: .8125rem; line-height: 1.35 }
.alarms { margin: 0 0 1rem; padding: .6rem .85rem; border: 1px solid var(--bad); border-left-width: .3rem; border-radius: .4rem; list-style: none; overflow-wrap: anywhere }
.fine { color: var(--dim) }
.pill { display: inline-block; padding: 0 .5em; border-radius: 1em; border: 1px solid currentColor; font-size: .8125rem; white-space: nowrap; color: var(--mute) }
.fresh { color: var(--good) } .suspect, .draining, .invited, .untried { color: var(--warn) } .quarantined, .away { color: var(--bad) }
svg { display: block; width: 100% } .bar { height: .4rem; border-radius: .2rem; background: var(--track) } .bar rect { fill: var(--link) } .bar .full { fill: var(--bad) } .done rect { fill: var(--away) }
.hour { height: 5rem; border-bottom: 1px solid var(--line) } .hour .a { fill: var(--away) } .hour .h { display: inline; fill: var(--here) }
.key { display: flex; flex-wrap: wrap; gap: 0 1.25rem; color: var(--dim); font-size: .8125rem } .key i { display: inline-block; width: .7em; height: .7em; border-radius: .15em; margin-right: .4em } .key .ka { background: var(--away) } .key .kh { background: var(--here) }
td .d { display: block; font-size: .8125rem; line-height: 1.4; white-space: normal; overflow-wrap: anywhere } .stack td.w { min-width: 12rem }
button, input { font: inherit; font-size: .8125rem; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .35rem; padding: .15rem .5rem }
button { cursor: pointer } button:hover { border-color: var(--link) }
.acts { display: none; gap: .3rem; flex-wrap: wrap; margin-top: .3rem } body.admin .acts { display: flex }
details { margin-top: 2rem; color: var(--dim); font-size: .875rem } details form { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .5rem }
details input { flex: 1 1 16rem; min-width: 0 }
@media (max-width: 40rem) { body { padding: 1rem .75rem 2rem } .cards { grid-template-columns: 1fr 1fr } }
@media (max-width: 56rem) {
  .stack thead { display: none } .stack tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line) }
  .stack td { display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .1rem 0; text-align: right }
  .stack td::before { content: attr(data-l); color: var(--dim); text-align: left } .stack td > span { max-width: 70% } .stack td:first-child { display: block; text-align: left } .stack td:first-child::before { content: none }
}
`

/** What is there takes on what is said now, node by node: what a reader has marked or scrolled to stays. */
const SCRIPT = `
const root = document.body.dataset.root, live = document.getElementById('live')
function take(old, now) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) return old.replaceWith(now)
  if (old.nodeType === 3) { if (old.data !== now.data) old.data = now.data; return }
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name)
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  const olds = [...old.childNodes]
  const news = [...now.childNodes]
  news.forEach((each, i) => olds[i] === undefined ? old.append(each) : take(olds[i], each))
  olds.slice(news.length).forEach((each) => each.remove())
}
let wait = 1000
function follow() {
  const at = new URL(root + 'status/live', location.href)
  at.protocol = at.protocol.replace('http', 'ws')
  const socket = new WebSocket(at)
  socket.onopen = () => socket.send(document.body.dataset.page)
  socket.onmessage = ({ data }) => {
    wait = 1000
    live.className = 'on'
    live.textContent = 'live'
    take(document.querySelector('main'), new DOMParser().parseFromString(data, 'text/html').querySelector('main'))
  }
  socket.onclose = () => {
    live.className = ''
    live.textContent = 'not connected'
    setTimeout(follow, wait)
    wait = Math.min(30000, wait * 2)
  }
}
follow()
let token = ''
document.getElementById('admin')?.addEventListener('submit', (event) => {
  event.preventDefault()
  token = event.target.elements.token.value
  document.body.classList.toggle('admin', token !== '')
})
document.addEventListener('click', async ({ target }) => {
  const what = target.dataset.act
  const name = target.closest('[data-name]')?.dataset.name
  if (what === undefined || name === undefined) return
  const why = what === 'quarantine' ? prompt('Why is ' + name + ' quarantined?', 'by an admin') : ''
  if (why === null || (what === 'remove' && !confirm('Remove ' + name + '?'))) return
  const said = document.getElementById('said')
  try {
    const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json' }
    const body = JSON.stringify({ volunteer: what, name, why })
    const reply = await fetch(root + '.~prsync~/volunteers', { method: 'POST', headers, body })
    said.textContent = reply.ok ? what + ' ' + name + ': done' : 'refused: ' + await reply.text()
  } catch (error) {
    said.textContent = String(error)
  }
})
`

export const STATUS_DRESS = dressOf(STYLE + LOOK, SCRIPT)
