import t from 'tap'
import {
  cacheControlOf,
  isMetadata,
  isVersioned,
  mayHoldFiles,
} from '../../lib/mirror/file-class.js'

t.test('what package managers trust everything else by', async (t) => {
  for (const name of [
    'dists/bookworm/InRelease',
    'dists/bookworm/Release',
    'dists/bookworm/Release.gpg',
    'dists/bookworm/main/binary-amd64/Packages',
    'dists/bookworm/main/binary-amd64/Packages.xz',
    'dists/bookworm/main/source/Sources.gz',
    'dists/bookworm/main/Contents-amd64.gz',
    'dists/bookworm/main/i18n/Translation-de.bz2',
    'dists/bookworm/main/binary-amd64/by-hash/SHA256/0123456789abcdef',
    'os/repodata/repomd.xml',
    'os/repodata/repomd.xml.asc',
    'os/repodata/0a1b2c-primary.xml.gz',
    'os/repodata/0a1b2c-filelists.sqlite.bz2',
    'os/repodata/0a1b2c-primary.xml.zck',
    'media.1/media',
    'content',
    'v3.19/main/x86_64/APKINDEX.tar.gz',
    'core/os/x86_64/core.db',
    'core/os/x86_64/core.files.tar.zst',
    'iso/SHA256SUMS',
    'iso/SHA512SUMS.sign',
    'iso/CHECKSUM',
    'iso/debian-12.5.0-amd64-netinst.iso.sha256',
    'iso/image.iso.asc',
    'iso/image.iso.zsync',
    'os/.treeinfo',
  ])
    t.ok(isMetadata(name), name)
  for (const name of [
    'pool/main/b/bash/bash_5.2-3_amd64.deb',
    'Packages/b/bash-5.2-3.fc39.x86_64.rpm',
    'repodata-tools-1.0-1.noarch.rpm',
    'iso/debian-12.5.0-amd64-netinst.iso',
    'Releases/39/boot.iso',
    'contents.tar.gz',
    'media.iso/image.iso',
    'sums/sha256sums.tar.gz',
  ])
    t.notOk(isMetadata(name), name)
})

t.test('what never changes under its name', async (t) => {
  for (const name of [
    'pool/main/b/bash/bash_5.2-3_amd64.deb',
    'pool/main/d/x/x_1_all.udeb',
    'Packages/b/bash-5.2-3.fc39.x86_64.rpm',
    'iso/debian-12.5.0-amd64-netinst.iso',
    'rawhide/20240131/Fedora-Rawhide-20240131.iso',
    'src/linux-6.7.1.tar.xz',
    `dists/x/main/binary-amd64/by-hash/SHA256/${'ab'.repeat(32)}`,
    `os/repodata/${'ab'.repeat(32)}-primary.xml.gz`,
  ])
    t.ok(isVersioned(name), name)
  for (const name of [
    'dists/bookworm/InRelease',
    'iso/latest.iso',
    'iso/debian-testing-amd64-netinst.iso',
    'rawhide/Fedora-Server-dvd-x86_64.iso',
    // Built again every week.
    'cloud/ubuntu-22.04-server-cloudimg-amd64.img',
    'iso/debian-12.5.0-amd64-netinst.iso.asc',
    'README',
    'tool.deb',
    'os/repodata/repomd.xml',
  ])
    t.notOk(isVersioned(name), name)
  t.match(cacheControlOf('a-1.2.3.iso'), 'public, max-age=31536000, immutable')
  t.equal(cacheControlOf('a.iso'), 'public, max-age=60, must-revalidate')
})

t.test('what may hold other files', async (t) => {
  for (const name of ['a/debian-12.iso', 'x.tar', 'initrd.cpio', 'd/disk.QCOW2', 'lib.a'])
    t.equal(mayHoldFiles(name), 'yes', name)
  for (const name of ['x.deb', 'x.tar.gz', 'x.rpm', 'a.iso.XZ'])
    t.equal(mayHoldFiles(name), 'no', name)
  for (const name of ['iso', 'a.iso/b', 'x.isox', 'x.gz/1', 'fs.ext4'])
    t.equal(mayHoldFiles(name), 'perhaps', name)
})
