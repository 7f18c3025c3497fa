import t from 'tap'
import { bytesOf, latin1Of } from '../../lib/base/bytes.js'
import { WireError } from '../../lib/base/errors.js'
import {
  decodeExtendedHandshake,
  helloFields,
  NO_HANDSHAKE,
  plainExtendedHandshake,
} from '../../lib/swarm/extended-handshake.js'

const decode = (text: string): ReturnType<typeof decodeExtendedHandshake> =>
  decodeExtendedHandshake(bytesOf(text))

t.test('what means something is read, the rest is not', async (t) => {
  t.same(decode('de'), NO_HANDSHAKE)
  t.same(
    decode(
      'd1:md10:ps_contenti3e11:ut_metadatai2ee1:pi6881e14:ps_max_requesti65536e4:reqqi500e1:v6:prsynce',
    ),
    {
      contentId: 3,
      client: bytesOf('prsync'),
      listenPort: 6881,
      maxRequests: 500,
      maxRequestBytes: 65536,
    },
  )
  t.same(
    decode('d1:md10:ps_contenti256ee1:pi0e14:ps_max_requesti9999999e4:reqqi2000e1:vl6:prsyncee'),
    { ...NO_HANDSHAKE, maxRequests: 500, maxRequestBytes: 65536 },
    'numbers are cut to our limits, wrong types count as absent',
  )
  t.equal(decode('d4:reqqi-1ee').maxRequests, 250)
  t.equal(decode('d14:ps_max_requesti1ee').maxRequestBytes, 16384)
  t.equal(decode('d1:md10:ps_contenti0eee').contentId, null, 'id 0 takes an extension back')
  t.equal(decode(`d1:v100:${'x'.repeat(100)}e`).client?.length, 64)
})

t.test('refuses what is no bounded dictionary', async (t) => {
  const cases: Array<[name: string, text: string]> = [
    ['the loop of bencode 4', 'l-3:e'],
    ['a list', 'le'],
    ['nothing', ''],
    ['nine levels', `d1:m${'l'.repeat(8)}${'e'.repeat(8)}e`],
    ['2000 values', `d1:ml${'le'.repeat(2000)}ee`],
    ['17 KiB', `d1:v17000:${'x'.repeat(17000)}e`],
  ]
  for (const [name, text] of cases) t.throws(() => decode(text), WireError, name)
})

t.test('the library hears it in our words', async (t) => {
  const plain = plainExtendedHandshake({ ...NO_HANDSHAKE, contentId: 3 })
  t.equal(latin1Of(plain), '\0\0\0\x1a\x14\0d1:md10:ps_contenti3eee'.replace('\x1a', '\x19'))
  t.same(helloFields(null, 16384), { v: 'prsync', reqq: 500, ps_max_request: 16384 })
  t.same(helloFields(7, 16384), { v: 'prsync', reqq: 500, ps_max_request: 16384, p: 7 })
})
