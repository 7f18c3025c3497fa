import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { digestsOf } from '../../lib/hash/digests.js'
import { encodeMetalink } from '../../lib/mirror/metalink.js'
import { sumLine } from '../../lib/mirror/sum-line.js'
import { ruled } from '../support/contents.js'

const sha = (name: string, bytes: Uint8Array): string =>
  createHash(name).update(bytes).digest('hex')

t.test('a metalink says size, digests, pieces twice, and where', async (t) => {
  const bytes = ruled(300_000)
  const [first, second] = [bytes.subarray(0, 262_144), bytes.subarray(262_144)]
  const xml = encodeMetalink({
    name: 'a & <b>.iso',
    size: bytes.length,
    mtimeMs: 1_700_000_000_500,
    digests: digestsOf(bytes),
    urls: ['http://v1/m/a%20b', 'http://centre/m/a?x&y'],
  })
  t.equal(
    xml,
    `<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <generator>prsync</generator>
  <published>2023-11-14T22:13:20Z</published>
  <file name="a &#38; &#60;b&#62;.iso">
    <size>300000</size>
    <hash type="sha-256">${sha('sha256', bytes)}</hash>
    <pieces length="262144" type="sha-1">
      <hash>${sha('sha1', first)}</hash>
      <hash>${sha('sha1', second)}</hash>
    </pieces>
    <pieces length="262144" type="sha-256">
      <hash>${sha('sha256', first)}</hash>
      <hash>${sha('sha256', second)}</hash>
    </pieces>
    <url priority="1">http://v1/m/a%20b</url>
    <url priority="2">http://centre/m/a?x&#38;y</url>
  </file>
</metalink>
`,
  )
})

t.test('a file of one piece is told by its own digest, and no name breaks the text', async (t) => {
  const digests = digestsOf(ruled(9))
  const base = { size: 9, mtimeMs: 0, digests, urls: [] }
  const xml = encodeMetalink({ ...base, name: 'a\u0001"\n\ud800😀' })
  t.notMatch(xml, /pieces/)
  t.match(xml, '<file name="a\ufffd&#34;&#10;\ufffd😀">')
})

t.test('a line for sha256sum is what sha256sum writes', async (t) => {
  const folder = t.testdir({})
  for (const base of ['plain.iso', 'with space', 'back\\slash', 'new\nline', 'bytes\xff']) {
    const path = Buffer.from(join(folder, base), 'latin1')
    writeFileSync(path, base)
    const script = 'cd "$1" && sha256sum -- *'
    const told = execFileSync('sh', ['-c', script, 'sh', folder], { encoding: 'latin1' })
    const line = sumLine(createHash('sha256').update(base).digest(), base)
    t.ok(told.includes(Buffer.from(line).toString('latin1')), JSON.stringify(base))
  }
})
