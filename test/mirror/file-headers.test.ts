import { createHash } from 'node:crypto'
import t from 'tap'
import { base64Of } from '../../lib/base/bytes.js'
import {
  digestAgrees,
  etagOf,
  formatDigest,
  formatReprDigest,
  lastModifiedOf,
} from '../../lib/mirror/digest-fields.js'
import { fileHeaders, validatorsOf } from '../../lib/mirror/file-headers.js'
import { mediaTypeOf } from '../../lib/mirror/media-type.js'

t.test('validators are those that nginx forms, to the second', async (t) => {
  // nginx 1.22 of a file of 612 bytes, 20 October 2022.
  t.equal(etagOf(1_666_283_400_999, 612), '"63517788-264"')
  t.equal(lastModifiedOf(1_666_283_400_999), 'Thu, 20 Oct 2022 16:30:00 GMT')
  t.equal(etagOf(-1500, 1), '"-2-1"')
  t.equal(lastModifiedOf(-1500), 'Wed, 31 Dec 1969 23:59:58 GMT')
  t.equal(validatorsOf({ size: 0, mtimeMs: 0 }).etag, '"0-0"')
})

t.test('digests by RFC 3230 and RFC 9530', async (t) => {
  // The example of RFC 9530 §B.1, and its bytes.
  const sha256 = createHash('sha256').update('{"hello": "world"}\n').digest()
  const told = base64Of(sha256)
  t.equal(formatReprDigest(told), 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:')
  t.equal(formatDigest(told), 'SHA-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=')
  t.equal(digestAgrees(formatDigest(told), sha256), true)
  t.equal(digestAgrees(`md5=AAAA, ${formatReprDigest(told)}`, sha256), true)
  t.equal(digestAgrees(formatDigest(base64Of(Buffer.alloc(32))), sha256), false)
  for (const field of ['', 'md5=AAAA', 'sha-256=', 'sha-256=x', 'sha-512=AAAA'])
    t.equal(digestAgrees(field, sha256), null, field)
})

t.test('the type of a file is known by its name', async (t) => {
  const cases: [base: string, type: string | RegExp][] = [
    ['a.deb', /debian/],
    ['a.rpm', 'application/x-rpm'],
    ['a.iso', 'application/x-iso9660-image'],
    ['a.tar.gz', 'application/gzip'],
    ['a.tar.xz', 'application/x-xz'],
    ['a.tar.zst', 'application/zstd'],
    ['a.apk', 'application/octet-stream'],
    ['a.html', 'text/html'],
    ['a.json', 'application/json'],
    ['README', 'text/plain; charset=utf-8'],
    ['notes.txt', 'text/plain; charset=utf-8'],
    ['InRelease', 'text/plain; charset=utf-8'],
    ['a.iso.sha256', 'text/plain; charset=utf-8'],
    // No ending is no `.html`.
    ['html', 'application/octet-stream'],
    ['a.b\xff', 'application/octet-stream'],
    ['', 'application/octet-stream'],
  ]
  for (const [base, type] of cases) t.match(mediaTypeOf(base), type, base)
})

t.test('what came through a link may be another file tomorrow', async (t) => {
  const file = {
    name: 'a-1.2.3.iso',
    validators: validatorsOf({ size: 1, mtimeMs: 0 }),
    sha256: null,
  }
  t.match(fileHeaders({ ...file, byLink: false })['cache-control'], 'immutable')
  t.notMatch(fileHeaders({ ...file, byLink: true })['cache-control'], 'immutable')
  t.notOk('digest' in fileHeaders({ ...file, byLink: true }), 'not known')
})
