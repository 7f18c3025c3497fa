/** Large files that several threads compare with what stands there: the same bytes, and the same literal ones as rsync's. */
import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PROGRAM } from '../support/program.js'
import { noRsync } from '../support/real-rsync.js'

const MIB = 2 ** 20
const LENGTH = 60 * MIB
const source = randomFillSync(Buffer.allocUnsafe(LENGTH))

/** What stands at the destination. */
const BASES: Readonly<Record<string, () => Buffer>> = {
  'the same': () => source,
  'bytes moved': () => Buffer.concat([Buffer.from('moved'), source]),
  'nothing in common': () => randomFillSync(Buffer.allocUnsafe(LENGTH)),
  'edits in place': () => edited(Buffer.from(source)),
  'edits, then bytes moved': () => {
    const all = edited(Buffer.from(source))
    return Buffer.concat([all.subarray(0, 20 * MIB), Buffer.from('more'), all.subarray(20 * MIB)])
  },
  'a part missing': () => Buffer.concat([source.subarray(0, 9 * MIB), source.subarray(30 * MIB)]),
  'more at the end': () => Buffer.concat([source, Buffer.from('more')]),
}
function edited(bytes: Buffer): Buffer {
  for (let at = 0; at < bytes.length; at += 3_000_017) bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

function figure(output: string, what: string): string | undefined {
  return new RegExp(`${what}: ([\\d,]+) bytes`).exec(output)?.[1]
}

t.test('as rsync does it', { skip: noRsync }, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'prsync-'))
  t.teardown(() => rmSync(home, { recursive: true }))
  const [from, to] = [join(home, 'from'), join(home, 'to')]
  writeFileSync(from, source)
  for (const [what, basis] of Object.entries(BASES)) {
    const stands = basis()
    const told = [['rsync'], [process.execPath, PROGRAM]].map(([program = '', ...before]) => {
      writeFileSync(to, stands)
      const args = [...before, '-tI', '--no-whole-file', '--stats', from, to]
      const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' })
      t.equal(status, 0)
      t.ok(readFileSync(to).equals(source), `${what}: its bytes`)
      return ['Literal data', 'Matched data'].map((line) => figure(stdout, line))
    })
    t.same(told[1], told[0], what)
  }
  // A source that is cut meanwhile, or a basis, is a case of its own: what comes is no longer than what is there.
  truncateSync(from, 50 * MIB)
  writeFileSync(to, Buffer.concat([Buffer.from('x'), source]))
  const cut = spawnSync(process.execPath, [PROGRAM, '-tI', '--no-whole-file', from, to])
  t.equal(cut.status, 0)
  t.ok(readFileSync(to).equals(source.subarray(0, 50 * MIB)), 'shorter than what stood there')
})
