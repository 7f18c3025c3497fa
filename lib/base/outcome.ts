/** What a run did: counts, bytes, and the files that failed and why. Faults are data; the run goes on. */
import type { ByteName } from './byte-name.js'
import { EXIT, type ExitCode } from './errors.js'

export type Fault = {
  readonly name: ByteName
  /** What went wrong, for a person. */
  readonly what: string
  /** It was there when the run began and is gone: rsync's 24, not 23. */
  readonly vanished: boolean
}

/** Faults listed in full; beyond it only counted, so that a dying disk cannot fill memory. */
const FAULTS_KEPT = 1000

export class Outcome {
  readonly #faults: Fault[] = []
  #faultCount = 0
  #vanishedCount = 0
  #deletesRefused = 0

  fault(name: ByteName, what: string, vanished = false): void {
    this.#faultCount++
    if (vanished) this.#vanishedCount++
    if (this.#faults.length < FAULTS_KEPT) this.#faults.push({ name, what, vanished })
  }
  /** `--max-delete` left this many standing. */
  deletesRefused(count: number): void {
    this.#deletesRefused += count
  }

  get faults(): readonly Fault[] {
    return this.#faults
  }
  get faultCount(): number {
    return this.#faultCount
  }
  get exitCode(): ExitCode {
    if (this.#faultCount > this.#vanishedCount) return EXIT.partial
    if (this.#deletesRefused > 0) return EXIT.maxDelete
    return this.#vanishedCount > 0 ? EXIT.vanished : EXIT.ok
  }
}
