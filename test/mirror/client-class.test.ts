import t from 'tap'
import { clientClassOf, isOfOneTry, shunsMetalinks } from '../../lib/mirror/client-class.js'

t.test('clients by what they call themselves', async (t) => {
  const cases: [userAgent: string | undefined, expected: ReturnType<typeof clientClassOf>][] = [
    ['Debian APT-HTTP/1.3 (2.6.1)', 'apt'],
    ['libdnf (Fedora Linux 39; server; Linux.x86_64)', 'dnf'],
    ['dnf/4.14.0', 'dnf'],
    ['ZYpp 17.31.8 (curl 8.0.1) openSUSE-Leap-15.5-x86_64', 'zypper'],
    ['aria2/1.36.0', 'aria2'],
    ['Wget/1.21.3', 'wget'],
    ['Wget/2.0.1', 'wget2'],
    ['wget2/2.0.0', 'wget2'],
    ['curl/7.88.1', 'curl'],
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120 Safari/537.36', 'browser'],
    ['Go-http-client/1.1', 'other'],
    ['', 'other'],
    [undefined, 'other'],
  ]
  for (const [userAgent, expected] of cases)
    t.equal(clientClassOf(userAgent), expected, userAgent ?? 'none')
  t.ok(isOfOneTry('apt'))
  t.notOk(isOfOneTry('dnf'))
  t.ok(shunsMetalinks('wget2'))
  t.notOk(shunsMetalinks('wget'))
})
