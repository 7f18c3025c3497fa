/** What a volunteer's answer to a range tells of it. */
import t from 'tap'
import { leavesOf } from '../../lib/hash/merkle.js'
import {
  AUDIT_BYTES,
  type AuditAsk,
  type AuditReply,
  auditBytes,
  auditOffset,
  judged,
  nextAuditMs,
} from '../../lib/mirror/audit.js'
import { ruled } from '../support/contents.js'

const BYTES = Buffer.from(ruled(AUDIT_BYTES + 20_000))
const ask: AuditAsk = {
  what: 'm/f',
  length: BYTES.length,
  offset: AUDIT_BYTES,
  leaves: leavesOf(BYTES),
  etag: '"1-2"',
  centre: 'http://centre.example/',
}
const right: AuditReply = {
  status: 206,
  etag: '"1-2"',
  location: null,
  contentRange: `bytes ${AUDIT_BYTES}-${BYTES.length - 1}/${BYTES.length}`,
  bytes: BYTES.subarray(AUDIT_BYTES),
}
const spoiled = (at: number): Buffer => {
  const bytes = Buffer.from(right.bytes)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}
const failed = (what: RegExp): object => ({ kind: 'probe', ok: false, what })

t.test('an answer is right, wrong, or none', async (t) => {
  const cases: [string, Partial<AuditReply>, object][] = [
    ['right', {}, { kind: 'audit', ok: true, what: 'm/f' }],
    [
      'one bit of the first leaf',
      { bytes: spoiled(5) },
      { kind: 'audit', ok: false, what: /^m\/f 65536-81919: SHA-256 [0-9a-f]{16}…, not / },
    ],
    [
      'one bit of the last, short leaf',
      { bytes: spoiled(19_999) },
      { kind: 'audit', ok: false, what: /81920-85535/ },
    ],
    [
      'wrong, and then it broke off',
      { bytes: spoiled(5).subarray(0, 17_000) },
      { kind: 'audit', ok: false },
    ],
    ['it broke off', { bytes: right.bytes.subarray(0, 17_000) }, failed(/broke off after 17000/)],
    ['nothing came', { bytes: right.bytes.subarray(0, 0) }, failed(/broke off after 0/)],
    [
      'back to the centre',
      { status: 307, location: 'http://centre.example/m/f?x' },
      { kind: 'bounce', lacks: true },
    ],
    ['elsewhere', { status: 307, location: 'http://other.example/' }, failed(/307/)],
    ['nowhere', { status: 307 }, failed(/307/)],
    ['a client would be lost', { status: 404 }, failed(/404/)],
    ['all of it', { status: 200, contentRange: null }, failed(/200 to a range/)],
    ['no range', { contentRange: null }, failed(/gives no range/)],
    ['of another length', { contentRange: 'bytes 65536-85535/85537' }, failed(/85537/)],
    ['of another time', { etag: '"3-2"' }, failed(/ETag "3-2", not "1-2"/)],
    ['no tag', { etag: null }, failed(/ETag none/)],
  ]
  for (const [name, change, expected] of cases)
    t.match(judged(ask, { ...right, ...change }), expected, name)
})

t.test('ranges begin with leaves and end with the file', async (t) => {
  t.equal(auditOffset(AUDIT_BYTES, 0.99), 0)
  t.equal(auditOffset(AUDIT_BYTES + 1, 0.99), AUDIT_BYTES)
  t.equal(auditOffset(10 * AUDIT_BYTES, 0.5), 5 * AUDIT_BYTES)
  t.equal(auditBytes({ length: AUDIT_BYTES + 1, offset: AUDIT_BYTES }), 1)
  t.equal(auditBytes({ length: 3 * AUDIT_BYTES, offset: AUDIT_BYTES }), AUDIT_BYTES)
})

t.test('once a minute; after a failure soon, then later each time', async (t) => {
  t.same([nextAuditMs(0, 0), nextAuditMs(0, 0.5)], [30_000, 60_000])
  t.same(
    [1, 2, 3, 9, 900].map((n) => nextAuditMs(n, 0.5)),
    [2000, 4000, 8000, 300_000, 300_000],
  )
})
