/** A sender that says of directories that only lead to what was asked for that they are whole. CVE-2026-53789. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { AskedNames } from '../../lib/rsync/asked-names.js'
import { readDeleted } from '../../lib/wire/farewell.js'
import { readItem, writeItem } from '../../lib/wire/item.js'
import { NDX } from '../../lib/wire/ndx.js'
import { wireEntry } from '../support/wire-entries.js'
import { type Peer, receiving } from '../support/wire-peer.js'

function directory(name: string): ReturnType<typeof wireEntry> {
  return { ...wireEntry(name, 'directory'), mode: 0o755, isTop: true }
}

/** Nothing is sent: what is said of entries is echoed, to the last word. */
async function echo(peer: Peer): Promise<void> {
  const { reader, writer } = peer
  for (let ends = 0; ends < 5; ) {
    const number = await peer.next()
    if (number === NDX.deleteStats) await reader.decode(readDeleted)
    else if (number !== NDX.done) {
      const item = await reader.decode((c) => readItem(c, 32))
      peer.put(number)
      writeItem(writer.data, item, 32)
    } else if (++ends < 5) peer.put(number)
    if (number === NDX.done && ends === 3) writer.data.put(new Uint8Array(15))
    await writer.flush()
  }
}
const HELD = ['mine', 'a/mine', 'a/b/gone']

for (const [what, entries, words, asked, kept] of [
  ['-R', ['a', 'a/b'], ['-R'], ['a/b'], ['mine', 'a/mine']],
  ['-R, the top too', ['.', 'a', 'a/b'], ['-R'], ['a/b'], ['mine', 'a/mine']],
  ['the top', ['.', 'a'], [], ['a'], ['mine']],
  ['all was asked for', ['.', 'a'], [], ['x/'], []],
] as const)
  t.test(`--delete reaches what was asked for: ${what}`, async (t) => {
    const home = t.testdir()
    mkdirSync(`${home}/d/a/b`, { recursive: true })
    for (const name of HELD) writeFileSync(`${home}/d/${name}`, '')
    const { report } = await receiving(home, echo, {
      entries: entries.map(directory),
      words: ['--delete', ...words],
      asked: new AskedNames(asked, words.length > 0, true),
    })
    t.equal(report.exit, 0)
    t.same(
      HELD.filter((name) => existsSync(`${home}/d/${name}`)),
      kept,
    )
  })
