/** A resident program's surroundings: its state directory, SIGHUP, and systemd's readiness. */
import { execFileSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** As root /var/lib/prsync, else by the XDG base directory specification. */
export function defaultState(): string {
  if (process.env['STATE_DIRECTORY'] !== undefined) return process.env['STATE_DIRECTORY']
  if (process.geteuid?.() === 0) return '/var/lib/prsync'
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'prsync')
}

/** A function whose promise resolves at the next SIGHUP. */
export function hangups(): () => Promise<void> {
  let heard = false
  let wake: (() => void) | null = null
  process.on('SIGHUP', () => {
    if (wake === null) heard = true
    else wake()
    wake = null
  })
  return () => {
    if (heard) {
      heard = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      wake = resolve
    })
  }
}

/** sd_notify(3) READY=1, where systemd waits for it; Node has no datagram sockets of the Unix domain. */
export function notifyReady(): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return
  try {
    execFileSync('systemd-notify', ['--ready', `--pid=${process.pid}`], { stdio: 'ignore' })
  } catch {
    // Without the tool the unit's start times out, which systemd reports better than we could.
  }
}
