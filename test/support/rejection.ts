/** The error of ours that a promise fails with. @throws whatever else it does */
import { PrsyncError } from '../../lib/base/errors.js'

export async function rejection(promise: Promise<unknown>): Promise<PrsyncError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof PrsyncError) return error
    throw error
  }
  throw new Error('it did not fail')
}
