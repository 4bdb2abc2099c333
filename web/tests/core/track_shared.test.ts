import 'fake-indexeddb/auto'
import Dexie from 'dexie'
import { beforeEach, expect, test } from 'vitest'
import type { TrackPoint } from '../../src/api/types.ts'
import type { Outcome } from '../../src/core/outbox.ts'
import { localProblem } from '../../src/core/problem.ts'
import { TrackLog } from '../../src/core/track.ts'
import type { Shift, TrackStore, TrackTransport } from '../../src/core/track.ts'
import { trackStore } from '../../src/ports/trackstore.ts'

const START = Date.parse('2026-11-23T01:00:00Z')
let phones = 0
let name = ''
beforeEach(() => void (name = `walk-${(phones += 1)}`))

/** A tab of one phone: they share the database and the lock, and nothing else. */
function makeTab(store: TrackStore = trackStore(name), lock = { held: false }) {
  const heard: string[] = []
  const server = { away: false, held: null as Promise<void> | null }
  const clock = { now: START }
  const hear = async <T>(what: string, value: T): Promise<Outcome<T>> => {
    await server.held
    if (server.away) return { kind: 'no_network' }
    heard.push(what)
    return { kind: 'done', value }
  }
  const transport: TrackTransport = {
    signOn: (shift) => hear(`on ${shift.person_id}`, null),
    points: (shift, given) => hear(`${shift.person_id} at ${given.map((one) => one.no)}`, { stored: given.length, known: 0, refused: [] }),
    note: (_, note) => hear(`note ${note.target_id}`, null),
    signOff: (shift) => hear(`off ${shift.person_id}`, null),
  }
  let ids = 0
  const log = new TrackLog({
    store, transport, now: () => clock.now, newId: () => `${Math.random()}-${(ids += 1)}`,
    alone: async (work) => {
      if (lock.held) return false
      lock.held = true
      await work().finally(() => (lock.held = false))
      return true
    },
  })
  const walk = async (person: string, steps = 1): Promise<void> => {
    for (let step = 0; step < steps; step += 1) {
      clock.now += 10_000
      await log.record(person, { lon: 117 + (clock.now - START) / 1e8, lat: 39, accuracy_m: 8 }, clock.now)
    }
  }
  return { log, store, server, heard, clock, walk, lock }
}

const numbers = (points: readonly TrackPoint[]): number[] => points.map((one) => one.no)

test('whoever comes back to a phone that another walked with goes on with his own shift and his own way', async () => {
  const { log, walk, heard } = makeTab()
  await log.recover('ann')
  await log.signOn('ann', null)
  await walk('ann', 2)
  await log.recover('bob')
  expect([log.isOpen('ann'), log.isOpen('bob'), await log.trace('bob')]).toEqual([false, false, []])
  await log.signOn('bob', null)
  await walk('bob')
  expect(numbers(await log.trace('bob'))).toEqual([1])
  await log.recover('ann')
  expect([log.isOpen('ann'), numbers(await log.trace('ann'))]).toEqual([true, [1, 2]])
  await walk('ann')
  await log.signOff('ann')
  await log.flush('ann')
  expect(heard).toEqual(['on ann', 'ann at 1,2,3', 'off ann'])
  await log.recover('bob')
  expect(log.isOpen('bob')).toBe(true)
})

test('two tabs of one phone give no number twice, and nothing of either is lost', async () => {
  const one = makeTab()
  const two = makeTab()
  await one.log.recover('ann')
  await one.log.signOn('ann', null)
  await two.log.recover('ann')
  await one.walk('ann')
  await two.log.nothingFound('ann', 'gate', null)
  await one.log.nothingFound('ann', 'corner', null)
  two.clock.now = one.clock.now
  await two.walk('ann')
  await one.log.flush('ann')
  expect(one.heard).toEqual(['on ann', 'ann at 1', 'note gate', 'note corner', 'ann at 2'])
  expect(await two.store.all()).toEqual([])
})

test('one tab sends at a time', async () => {
  const one = makeTab()
  const two = makeTab(undefined, one.lock)
  let answer = (): void => undefined
  one.server.held = new Promise<void>((resolve) => (answer = resolve))
  await one.log.signOn('ann', null)
  const sent = one.log.flush('ann')
  await two.log.flush('ann')
  expect(two.heard).toEqual([])
  answer()
  await sent
  expect([one.heard, await one.store.all()]).toEqual([['on ann'], []])
})

test('a shift that one tab has ended takes no position in another', async () => {
  const one = makeTab()
  const two = makeTab()
  await one.log.signOn('ann', null)
  await two.log.recover('ann')
  await one.log.signOff('ann')
  await two.walk('ann')
  expect([two.log.isOpen('ann'), numbers(await one.log.trace('ann'))]).toEqual([false, []])
})

test('a phone whose clock was put back while it was off gives no number twice', async () => {
  const first = makeTab()
  await first.log.signOn('ann', null)
  await first.walk('ann', 3)
  await first.log.flush('ann')
  const again = makeTab()
  again.clock.now = START + 1000
  await again.log.recover('ann')
  await again.walk('ann')
  expect(numbers(await again.log.trace('ann'))).toEqual([1, 2, 3, 4])
})

test('a position that found no room does not take those after it along', async () => {
  const store = trackStore(name)
  const full = { yes: false }
  const { log, walk } = makeTab({ ...store, add: async (item) => (full.yes ? Promise.reject(new Error('full')) : store.add(item)) })
  await log.signOn('ann', null)
  full.yes = true
  await expect(walk('ann')).rejects.toThrow('full')
  full.yes = false
  await walk('ann')
  expect(numbers(await log.trace('ann'))).toEqual([1])
})

test('what an older page left is brought along: what waits, the shift that is open, and its way', async () => {
  const shift: Shift = { id: 's1', person_id: 'ann', behalf: null, on_at: new Date(START).toISOString(), off_at: null }
  const point: TrackPoint = { no: 41, at: shift.on_at, lon: 117, lat: 39, accuracy_m: 8 }
  const old = new Dexie(name)
  old.version(1).stores({ items: 'seq', shift: '', trace: 'no' })
  await old.table('items').bulkPut([{ seq: 7, shift, problem: null, kind: 'point', point }])
  await old.table('shift').put(shift, 'open')
  await old.table('trace').put(point)
  old.close()
  const { log, walk, store } = makeTab()
  await log.recover('ann')
  await walk('ann')
  expect(log.isOpen('ann')).toBe(true)
  expect((await store.all()).map((one) => [one.seq, one.kind === 'point' && one.point.no])).toEqual([[7, 41], [8, 42]])
})

test('a refusal is written to what is still there', async () => {
  const { log, store } = makeTab()
  await log.signOn('ann', null)
  const [item] = await store.all()
  await store.refuse([item?.seq ?? 0, 99], localProblem('not_ready', 409, 'no'))
  expect((await store.all()).map((one) => one.problem?.code)).toEqual(['not_ready'])
})

test('a sign-on is kept with its shift and a sign-off with its end, or neither is', async () => {
  const { log, store } = makeTab()
  const shift: Shift = { id: 's1', person_id: 'ann', behalf: null, on_at: new Date(START).toISOString(), off_at: null }
  const unkeepable = (): never => undefined as never
  await expect(store.add({ shift, problem: null, kind: 'sign_on', at: unkeepable as never })).rejects.toThrow()
  expect([await store.shift('ann'), await store.all()]).toEqual([null, []])
  await log.signOn('ann', null)
  const open = await store.shift('ann')
  if (!open) throw new Error('no shift')
  await expect(store.add({ shift: { ...open, off_at: open.on_at }, problem: null, kind: 'sign_off', at: unkeepable as never })).rejects.toThrow()
  expect([(await store.shift('ann'))?.off_at, (await store.all()).map((one) => one.kind)]).toEqual([null, ['sign_on']])
})

test('a sign-on or a sign-off that found no room changes nothing', async () => {
  const store = trackStore(name)
  const full = { yes: true }
  const { log } = makeTab({ ...store, add: async (item) => (full.yes ? Promise.reject(new Error('full')) : store.add(item)) })
  await expect(log.signOn('ann', null)).rejects.toThrow('full')
  expect(log.isOpen('ann')).toBe(false)
  full.yes = false
  await log.signOn('ann', null)
  full.yes = true
  await expect(log.signOff('ann')).rejects.toThrow('full')
  expect(log.isOpen('ann')).toBe(true)
})
