/** Work that goes on step by step, so that whoever drives it may look at the clock, wait, or end it between two of them. */

/** Each step yields how many bytes it moved. What is thrown into it at a step ends the work there, cleaned up. */
export type Steps<Result> = Generator<number, Result>

/** All steps without a pause. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
