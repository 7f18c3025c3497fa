/** What centres tell each other survives the way, and nothing else is taken. */
import t from 'tap'
import { WireError } from '../../lib/base/errors.js'
import { rootOf } from '../../lib/hash/root.js'
import type { Enrolled } from '../../lib/mirror/enrolment.js'
import {
  formatNews,
  formatRosterNews,
  type News,
  parseNews,
  parseRosterNews,
} from '../../lib/mirror/front-news.js'
import type { Evidence } from '../../lib/mirror/health.js'
import type { Load } from '../../lib/mirror/volunteer-messages.js'

const ENROLLED: Enrolled = {
  ...{ name: 'v1', key: '0'.repeat(64), baseUrl: 'http://192.0.2.1:8730', uplink: 5 },
  ...{
    invitation: null,
    quarantine: 'x',
    isDraining: false,
    measured: null,
    networks: [],
  },
}
const evidence: Evidence[] = [
  { kind: 'bounce', lacks: true },
  { kind: 'probe', ok: false, what: 'refused' },
  { kind: 'audit', ok: true, what: '' },
  { kind: 'retry', client: 'c' },
  { kind: 'presence' },
  { kind: 'drain', begins: true },
  { kind: 'quarantine', why: 'y' },
  { kind: 'release' },
]
const load: Load = {
  type: 'load',
  ...{ modules: [{ module: 'm', through: 1, following: 1 }], fair: 1, flows: 0 },
  ...{ lasting: [], clientRate: 2, syncRate: 3, observed: [4] },
}
const root = rootOf(Uint8Array.from({ length: 32 }, (_, i) => (i < 8 ? i : 0)))
const all: News[] = [
  { type: 'hello' },
  { type: 'roster', name: 'v1', atMs: 7, enrolled: ENROLLED },
  { type: 'roster', name: 'v1', atMs: 8, enrolled: null },
  { type: 'word', name: 'v1', word: load, snapshots: { m: '1 ab' } },
  {
    type: 'word',
    ...{ name: 'v1', snapshots: {} },
    word: { type: 'have', module: 'm', isFirst: true, contents: [root] },
  },
  { type: 'left', name: 'v1' },
  ...evidence.map((each): News => ({ type: 'saw', name: 'v1', evidence: each })),
  { type: 'sent', redirects: [{ name: 'v1', bytes: 5, takesMs: 0.5 }] },
]

for (const news of all)
  t.same(parseNews(formatNews('me', news)), { from: 'me', news }, JSON.stringify(news).slice(0, 60))

t.same(parseRosterNews(formatRosterNews({ name: 'v1', atMs: 1, enrolled: ENROLLED })), {
  ...{ name: 'v1', atMs: 1, enrolled: ENROLLED },
})

const refused = [
  '',
  '[]',
  '{"from":"x"}',
  '{"from":"x","type":"other"}',
  '{"from":"x","type":"left","name":"a/b"}',
  '{"from":"x","type":"roster","name":"v1","atMs":-1,"enrolled":null}',
  formatNews('x', { type: 'roster', name: 'v2', atMs: 1, enrolled: ENROLLED }),
  '{"from":"x","type":"saw","name":"v1","evidence":{"kind":"rumour"}}',
  '{"from":"x","type":"word","name":"v1","word":"{}","snapshots":{}}',
  '{"from":"x","type":"sent","redirects":[{"name":"v1","bytes":-1,"takesMs":1}]}',
]
for (const text of refused) t.throws(() => parseNews(text), WireError, text.slice(0, 60))
