// One tab at a time. Browsers keep their locks from pages without a secure connection; there every tab works
// by itself, which costs a repeated request and no more.

/** Runs the work unless another tab of this page holds the lock; false when one does. */
export async function alone(name: string, work: () => Promise<void>): Promise<boolean> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks
  if (!locks) {
    await work()
    return true
  }
  return locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock) await work()
    return lock !== null
  })
}
