/** A repository of RPM packages, made by the tools of Debian, and dnf and zypper with nothing of this machine in them. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ruled } from './contents.js'
import type { Said } from './real-rsync.js'
import { runAsync } from './run-async.js'

export const RPM_PROGRAMS: readonly (readonly [program: string, debian: string])[] = [
  ['rpmbuild', 'rpm'],
  ['createrepo_c', 'createrepo-c'],
]

/** Writes `Packages` and `repodata` below `source`; the packages are called `tool-a` and so on. */
export function makeRpmRepository(folder: string, count: number): string[] {
  const source = join(folder, 'source')
  const names = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i))
  const data = join(folder, 'data')
  mkdirSync(join(source, 'Packages'), { recursive: true })
  mkdirSync(data)
  for (const [i, name] of names.entries())
    writeFileSync(join(data, name), ruled(100_000 + 70_000 * i))
  const spec = [
    'Name: tool\nVersion: 1.0\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch',
    '%global _binary_payload w0.gzdio\n%global __os_install_post %{nil}\n%description\nx',
    ...names.map((name) => `%package ${name}\nSummary: x\n%description ${name}\nx`),
    `%install\nmkdir -p %{buildroot}/opt\ncp ${data}/* %{buildroot}/opt`,
    ...names.map((name) => `%files ${name}\n/opt/${name}`),
  ]
  writeFileSync(join(folder, 'tool.spec'), `${spec.join('\n')}\n`)
  const settings = { _topdir: join(folder, 'rpm'), _rpmdir: join(source, 'Packages') }
  const defines = Object.entries(settings).flatMap(([name, to]) => ['-D', `${name} ${to}`])
  execFileSync('rpmbuild', ['-bb', '--quiet', ...defines, join(folder, 'tool.spec')], {
    stdio: 'ignore',
  })
  execFileSync('createrepo_c', ['-q', source])
  return names.map((name) => `tool-${name}`)
}

/** Downloads into `home/got`, from nothing. @param as what it calls itself */
export function dnfDownload(
  home: string,
  url: string,
  packages: readonly string[],
  as: string,
): Promise<Said> {
  mkdirSync(join(home, 'got'), { recursive: true })
  const settings = [
    'reposdir=/dev/null',
    `cachedir=${home}/cache`,
    `persistdir=${home}/state`,
    `logdir=${home}`,
    'plugins=0',
    'gpgcheck=0',
    `user_agent=${as}`,
  ]
  return runAsync(
    'dnf',
    [
      ...settings.map((each) => `--setopt=${each}`),
      '-y',
      `--installroot=${home}/root`,
      '--releasever=1',
      `--repofrompath=r,${url}`,
      '--repo=r',
      'install',
      '--downloadonly',
      `--downloaddir=${home}/got`,
      ...packages,
    ],
    home,
  )
}

/** The same with zypper; packages come to lie in its cache. */
export async function zypperDownload(
  home: string,
  url: string,
  packages: readonly string[],
): Promise<Said> {
  mkdirSync(join(home, 'root'), { recursive: true })
  const common = ['--root', join(home, 'root'), '--non-interactive', '--no-gpg-checks']
  const added = await runAsync('zypper', [...common, 'addrepo', '-G', url, 'r'], home)
  if (added.status !== 0) return added
  return runAsync('zypper', [...common, 'install', '--download-only', ...packages], home)
}
