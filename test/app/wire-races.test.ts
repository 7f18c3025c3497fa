/** A link takes the place of what was looked at, between the list and the bytes. CVE-2024-12747, CVE-2026-53797, CVE-2026-29518. */
import { createHash } from 'node:crypto'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { TAG } from '../../lib/wire/mux.js'
import { NDX } from '../../lib/wire/ndx.js'
import { NO_SUMS, writeSumHead } from '../../lib/wire/sum-head.js'
import { wireEntry } from '../support/wire-entries.js'
import { ask, type Peer, receiving, sending } from '../support/wire-peer.js'

/** All that a sender says when this entry is asked for, once `swap` is done. */
async function heard(
  home: string,
  number: number,
  swap: () => void,
): Promise<{ readonly text: string; readonly tags: readonly number[] }> {
  let text = ''
  let tags: readonly number[] = []
  let listening: Promise<void> = Promise.resolve()
  await sending(home, [], async (peer) => {
    // The list: its files were looked at.
    await peer.reader.more()
    swap()
    ask(peer, number)
    writeSumHead(peer.writer.data, NO_SUMS)
    for (let phase = 0; phase < 5; phase++) peer.put(NDX.done)
    tags = peer.tags
    const { reader } = peer
    const listen = async (): Promise<void> => {
      for (;;) {
        text += Buffer.from(reader.cursor.view(reader.cursor.left)).toString('latin1')
        await reader.more()
      }
    }
    listening = listen().catch(() => {})
    await peer.writer.drain()
  })
  await listening
  return { text, tags }
}

function stage(t: Test): { home: string; outside: string } {
  const home = t.testdir({ s: { d: { f: 'inside' } }, outside: { f: 'secret' } })
  return { home, outside: `${home}/outside` }
}

t.test('a sender does not follow a link in the place of a file', async (t) => {
  const { home, outside } = stage(t)
  const { text, tags } = await heard(home, 1, () => {
    renameSync(`${home}/s/f`, `${home}/s/was`)
    symlinkSync(`${outside}/f`, `${home}/s/f`)
  })
  t.notMatch(text, /secret/)
  t.ok(tags.includes(TAG.noSend))
})

t.test('what was not swapped goes', async (t) => {
  const { home } = stage(t)
  t.match((await heard(home, 1, () => {})).text, /hello/)
  t.match((await heard(home, 3, () => {})).text, /inside/)
})

t.test('nor one in the place of a directory above it', async (t) => {
  const { home, outside } = stage(t)
  const { text } = await heard(home, 3, () => {
    renameSync(`${home}/s/d`, `${home}/s/was`)
    symlinkSync(outside, `${home}/s/d`)
  })
  t.notMatch(text, /secret/)
})

t.test('a receiver writes nothing behind a link in the place of a directory', async (t) => {
  for (const words of [[], ['--inplace'], ['--backup'], ['--partial-dir=p']]) {
    const { home, outside } = stage(t)
    mkdirSync(`${home}/d/d`, { recursive: true })
    writeFileSync(`${home}/d/d/f`, 'before')
    const top = { ...wireEntry('.', 'directory' as const), mode: 0o755 }
    const below = { ...wireEntry('d', 'directory' as const), mode: 0o755 }
    const file = wireEntry('d/f', 'file')
    const entries = [
      top,
      below,
      { ...file, stands: { ...file.stands, size: 5, mtimeNs: 10n ** 9n } },
    ]
    const swapped = async (peer: Peer): Promise<void> => {
      const number = await peer.fileAskedFor()
      renameSync(`${home}/d/d`, `${home}/d/was`)
      symlinkSync(outside, `${home}/d/d`)
      peer.answer(number, 'bytes', createHash('md5').update('bytes').digest())
      await peer.writer.flush()
    }
    await receiving(home, swapped, { entries, words, closes: true }).catch(() => {})
    t.same(readdirSync(outside), ['f'], words.join(' '))
    t.equal(readFileSync(`${outside}/f`, 'latin1'), 'secret', words.join(' '))
  }
})
