import t from 'tap'
import { bytesOf } from '../../lib/base/bytes.js'
import { clientOf, makePeerId, PEER_ID_BYTES, PEER_ID_TAIL } from '../../lib/bt/peer-id.js'

t.test('our ids are of 20 bytes and say who we are', async (t) => {
  const id = makePeerId(new Uint8Array(PEER_ID_TAIL).fill(0xff))
  t.equal(id.length, PEER_ID_BYTES)
  t.same(clientOf(id), { client: 'PS', version: '0100' })
  t.throws(() => makePeerId(new Uint8Array(11)), RangeError)
})

t.test("others' ids are read where they follow BEP 20", async (t) => {
  t.same(clientOf(bytesOf('-lt20A0-abcdefghijkl')), { client: 'lt', version: '20A0' })
  t.equal(clientOf(bytesOf('M7-9-1--abcdefghijkl')), null)
})
