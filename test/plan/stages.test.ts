import t from 'tap'
import { byteName } from '../../lib/base/byte-name.js'
import { isRepositoryIndex } from '../../lib/plan/stages.js'

t.test('indices come after what they name', async (t) => {
  for (const name of [
    'dists/bookworm/InRelease',
    'dists/bookworm/Release.gpg',
    'dists/bookworm/main/binary-amd64/Packages.xz',
    'dists/bookworm/main/Contents-amd64.gz',
    'dists/bookworm/main/by-hash/SHA256/00aa',
    'fedora/repodata/abc-primary.xml.gz',
    'fedora/repodata/repomd.xml',
    'opensuse/content',
    'alpine/APKINDEX.tar.gz',
    'x/image.iso.asc',
  ])
    t.ok(isRepositoryIndex(byteName(name)), name)
  for (const name of [
    'pool/main/p/packages/packages_1_all.deb',
    'pool/Release-notes.txt',
    'repodata',
    'contents',
    'pool/PackagesX/a.deb',
    'x/image.iso',
  ])
    t.notOk(isRepositoryIndex(byteName(name)), name)
})
