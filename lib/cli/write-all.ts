/** Bytes to a descriptor, all of them. */
import { writeSync } from 'node:fs'
import { codeOf } from '../base/errors.js'

const WAIT = new Int32Array(new SharedArrayBuffer(4))

/** Standard output may be a pipe that is full and does not wait; nobody may be there to read it any more. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'EPIPE') return
      if (code !== 'EAGAIN') throw error
      Atomics.wait(WAIT, 0, 0, 5)
    }
  }
}
