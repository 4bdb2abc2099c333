import { expect, test } from 'vitest'
import { Refresher } from '../../src/core/refresher.ts'

function makeRefresher(work: () => Promise<unknown>) {
  const clock = { ms: 0 }
  const due: { at: number; work: () => void }[] = []
  const refresher = new Refresher(work, 1000, {
    now: () => clock.ms,
    after: (ms, later) => void due.push({ at: clock.ms + ms, work: later }),
  })
  const pass = async (ms: number): Promise<void> => {
    clock.ms += ms
    for (const item of due.splice(0)) item.at <= clock.ms ? item.work() : due.push(item)
    await Promise.resolve()
    await new Promise((resolve) => setTimeout(resolve))
  }
  return { refresher, pass, clock }
}

test('a burst of nudges reads at once and once more after the interval', async () => {
  let reads = 0
  const { refresher, pass } = makeRefresher(async () => (reads += 1))
  for (let i = 0; i < 100; i += 1) refresher.nudge()
  await pass(0)
  expect(1).toBe(reads)
  refresher.nudge()
  await pass(999)
  expect(1).toBe(reads)
  await pass(1)
  expect(2).toBe(reads)
  await pass(5000)
  expect(2).toBe(reads)
})

test('reads never overlap, and a nudge during one is not lost', async () => {
  let running = 0
  let most = 0
  let release = (): void => {}
  const { refresher, pass } = makeRefresher(async () => {
    most = Math.max(most, (running += 1))
    await new Promise<void>((resolve) => (release = resolve))
    running -= 1
  })
  refresher.nudge()
  await pass(2000)
  refresher.nudge()
  await pass(2000)
  expect([1, 1]).toEqual([running, most])
  release()
  await pass(0)
  await pass(1000)
  expect([1, 1]).toEqual([running, most])
})

test('a failed read does not stop the next', async () => {
  let reads = 0
  const { refresher, pass } = makeRefresher(async () => {
    reads += 1
    throw new Error('down')
  })
  refresher.nudge()
  await pass(0)
  await pass(1000)
  refresher.nudge()
  await pass(0)
  expect(2).toBe(reads)
})

test('a clock that is put back holds up no reading beyond the interval', async () => {
  let reads = 0
  const { refresher, pass, clock } = makeRefresher(async () => (reads += 1))
  clock.ms = 3_600_000
  refresher.nudge()
  await pass(0)
  clock.ms = 0
  refresher.nudge()
  await pass(1000)
  expect(2).toBe(reads)
})
