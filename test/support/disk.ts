/** A small file system of its own, for tests of full disks. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** Runs `act` with a small file system of its own; not at all where this machine lets nobody mount. */
export async function onOwnDisk(
  t: Test,
  options: string,
  act: (path: string) => Promise<void>,
): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'prsync-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    rmSync(path, { recursive: true })
    t.comment(`no mounting here: ${String(error)}`)
    return
  }
  try {
    await act(path)
  } finally {
    execFileSync('umount', ['--lazy', path])
    rmSync(path, { recursive: true })
  }
}
