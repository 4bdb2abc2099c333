import { expect, test } from 'vitest'
import type { TrackOut, TrackPoint } from '../../src/api/types.ts'
import type { Outcome } from '../../src/core/outbox.ts'
import { localProblem } from '../../src/core/problem.ts'
import { BATCH, LONGEST_MS, saysSomething, TRACE_KEPT_MS, TrackLog } from '../../src/core/track.ts'
import type { Item, Shift, TrackStore, TrackTransport } from '../../src/core/track.ts'

const START = Date.parse('2026-11-23T01:00:00Z')

function memory(): TrackStore & { items: Map<number, Item> } {
  const items = new Map<number, Item>()
  const traces = new Map<string, TrackPoint[]>()
  const shifts = new Map<string, Shift>()
  let seq = 0
  return {
    items,
    all: async () => [...items.values()].sort((a, b) => a.seq - b.seq),
    add: async (item) => {
      const { person_id, id } = item.shift
      if (item.kind !== 'point') {
        if (item.kind === 'sign_on') traces.delete(person_id)
        if (item.kind !== 'note') shifts.set(person_id, item.shift)
        items.set((seq += 1), structuredClone({ ...item, seq }))
        return true
      }
      const open = shifts.get(person_id)
      if (open?.id !== id || open.off_at) return false
      const trace = traces.get(person_id) ?? []
      const point = { ...item.point, no: (trace.at(-1)?.no ?? 0) + 1 }
      traces.set(person_id, [...trace, point])
      items.set((seq += 1), structuredClone({ ...item, point, seq }))
      return true
    },
    refuse: async (seqs, problem) => seqs.forEach((one) => items.has(one) && Object.assign(items.get(one) ?? {}, { problem })),
    remove: async (seqs) => seqs.forEach((one) => items.delete(one)),
    shift: async (person_id) => shifts.get(person_id) ?? null,
    trace: async (person_id) => traces.get(person_id) ?? [],
    forgetTrace: async (person_id) => void traces.delete(person_id),
  }
}

function makeServer() {
  const heard: string[] = []
  const points = new Map<number, TrackPoint>()
  const server = {
    heard,
    points,
    away: false,
    answer: null as Outcome<never> | null,
    refused: [] as { no: number; reason: string }[],
  }
  const hear = <T>(what: string, value: T): Outcome<T> => {
    if (server.away) return { kind: 'no_network' }
    if (server.answer) return server.answer
    heard.push(what)
    return { kind: 'done', value }
  }
  const transport: TrackTransport = {
    signOn: async (shift) => hear(`on ${shift.person_id}`, null),
    points: async (_, given) => {
      const outcome = hear<TrackOut>(`points ${given.length}`, { stored: given.length, known: 0, refused: server.refused })
      if (outcome.kind === 'done') for (const one of given) points.set(one.no, one)
      return outcome
    },
    note: async (_, note) => hear(`note ${note.target_id}`, null),
    signOff: async () => hear('off', null),
  }
  return { server, transport }
}

function makeLog(store: TrackStore & { items: Map<number, Item> } = memory(), lock = { held: false }) {
  const { server, transport } = makeServer()
  const clock = { now: START }
  let ids = 0
  const log = new TrackLog({
    store,
    transport,
    now: () => clock.now,
    newId: () => `id-${(ids += 1)}`,
    alone: async (work) => {
      if (lock.held) return false
      lock.held = true
      await work().finally(() => (lock.held = false))
      return true
    },
  })
  const walk = async (steps: number, person = 'ann'): Promise<void> => {
    for (let step = 0; step < steps; step += 1) {
      clock.now += 10_000
      await log.record(person, { lon: 117 + (clock.now - START) / 1e8, lat: 39, accuracy_m: 8 }, clock.now)
    }
  }
  return { log, store, server, clock, walk, lock }
}

test('without an open shift no position is kept, before it and after it', async () => {
  const { log, store, clock, walk } = makeLog()
  await walk(3)
  expect(store.items.size).toBe(0)
  await log.signOn('ann', null)
  await walk(2)
  await log.signOff('ann')
  await walk(3)
  expect((await store.all()).map((one) => one.kind)).toEqual(['sign_on', 'point', 'point', 'sign_off'])
  clock.now += LONGEST_MS
})

test('a shift is told of when its sign-on is kept: before that the server would know nothing of it', async () => {
  const { log, store } = makeLog()
  const seen: (string | undefined)[] = []
  const add = store.add
  store.add = async (item) => {
    seen.push(log.shift?.id)
    return add(item)
  }
  await log.signOn('ann', null)
  expect([seen, log.shift?.id]).toEqual([[undefined], 'id-1'])
})

test('a position taken before the sign-on does not belong to the shift', async () => {
  const { log, store } = makeLog()
  await log.signOn('ann', null)
  expect(await log.record('ann', { lon: 117, lat: 39, accuracy_m: 8 }, START - 1)).toBe(false)
  expect(store.items.size).toBe(1)
})

test('a shift that nobody ended is over after its longest time', async () => {
  const { log, clock, walk, store } = makeLog()
  await log.signOn('ann', null)
  clock.now += LONGEST_MS
  await walk(2)
  expect([log.isOpen('ann'), store.items.size]).toEqual([false, 1])
})

test('what was kept without a network is sent in the order it happened, positions in batches', async () => {
  const { log, store, server, walk } = makeLog()
  server.away = true
  await log.signOn('ann', null)
  await walk(BATCH + 3)
  await log.nothingFound('ann', 'corner', null)
  await walk(2)
  await log.signOff('ann')
  await log.flush('ann')
  expect(server.heard).toEqual([])
  server.away = false
  await log.flush('ann')
  expect(server.heard).toEqual(['on ann', `points ${BATCH}`, 'points 3', 'note corner', 'points 2', 'off'])
  expect([store.items.size, server.points.size]).toEqual([0, BATCH + 5])
})

test('a second send after a lost answer sends the same numbers again', async () => {
  const { log, server, walk } = makeLog()
  await log.signOn('ann', null)
  await walk(2)
  server.answer = { kind: 'server_fault', problem: null, retry_after_s: null }
  await log.flush('ann')
  server.answer = null
  await log.flush('ann')
  expect([...server.points.keys()]).toEqual([1, 2])
})

test('a phone that was switched off goes on with its shift, and gives no number twice', async () => {
  const first = makeLog()
  await first.log.signOn('ann', null)
  await first.walk(3)
  await first.log.flush('ann')
  const again = makeLog(first.store)
  again.clock.now = first.clock.now
  await again.log.recover('ann')
  expect(again.log.isOpen('ann')).toBe(true)
  await again.walk(1)
  const numbers = (await first.store.all()).flatMap((one) => (one.kind === 'point' ? [one.point.no] : []))
  expect(numbers.length === 1 && (numbers[0] ?? 0) > 3).toBe(true)
})

test('another person on the same phone neither goes on with the shift nor sends its positions', async () => {
  const { log, server, walk, store } = makeLog()
  await log.signOn('ann', null)
  await walk(1)
  await walk(2, 'bob')
  await log.flush('bob')
  expect([server.heard, store.items.size]).toEqual([[], 2])
})

test('a refusal is kept to be read, and does not hold up what follows', async () => {
  const { log, server, store } = makeLog()
  await log.signOn('ann', null)
  server.answer = { kind: 'refused', problem: localProblem('not_ready', 409, 'no') }
  await log.flush('ann')
  server.answer = null
  await log.signOff('ann')
  await log.flush('ann')
  expect(server.heard).toEqual(['off'])
  const [kept] = await store.all()
  expect(kept?.problem?.code).toBe('not_ready')
  await log.forget([kept?.seq ?? 0])
  expect(store.items.size).toBe(0)
})

test('positions that the server refuses are counted by their reason and are gone', async () => {
  const { log, server, store, walk } = makeLog()
  await log.signOn('ann', null)
  await walk(2)
  server.refused = [{ no: 1, reason: 'elsewhere' }]
  await log.flush('ann')
  expect([[...log.refused], store.items.size]).toEqual([[['elsewhere', 1]], 0])
})

test('standing still says something every half minute, walking at every few metres', () => {
  const last = { at_ms: 0, position: { lon: 117, lat: 39, accuracy_m: 8 } }
  const there = { lon: 117.0002, lat: 39, accuracy_m: 8 }
  expect(saysSomething(null, last.position, 0)).toBe(true)
  expect(saysSomething(last, last.position, 10_000)).toBe(false)
  expect(saysSomething(last, last.position, 30_000)).toBe(true)
  expect(saysSomething(last, there, 10_000)).toBe(true)
  expect(saysSomething(last, there, 1_000)).toBe(false)
})

test('his own way stays on the phone when it was sent, until the next shift or a day after the end', async () => {
  const first = makeLog()
  await first.log.signOn('ann', null)
  await first.walk(3)
  await first.log.signOff('ann')
  await first.log.flush('ann')
  expect([first.store.items.size, (await first.log.trace('ann')).length]).toEqual([0, 3])
  expect(await first.log.trace('ben')).toEqual([])

  const later = makeLog(first.store)
  later.clock.now = first.clock.now + TRACE_KEPT_MS - 1
  await later.log.recover('ann')
  expect((await later.log.trace('ann')).length).toBe(3)
  later.clock.now += 1
  await later.log.recover('ann')
  expect(await later.log.trace('ann')).toEqual([])

  await later.log.signOn('ann', null)
  await later.walk(2)
  await later.log.signOff('ann')
  expect((await later.log.trace('ann')).length).toBe(2)
  await later.log.signOn('ann', null)
  expect(await later.log.trace('ann')).toEqual([])
})

test('a shift that is killed and goes on has a hole, and the phone draws nothing over it', async () => {
  const first = makeLog()
  await first.log.signOn('ann', null)
  await first.walk(2)
  const second = makeLog(first.store)
  second.clock.now = first.clock.now + 20 * 60_000
  await second.log.recover('ann')
  expect(second.log.isOpen('ann')).toBe(true)
  await second.walk(1)
  const times = (await second.log.trace('ann')).map((one) => (Date.parse(one.at) - START) / 1000)
  expect(times).toEqual([10, 20, 20 + 20 * 60 + 10])
})

test('a tap keeps where the phone was, or that it did not know', async () => {
  const { log, store } = makeLog()
  await log.signOn('ann', null)
  await log.nothingFound('ann', 'corner', { lon: 117, lat: 39, accuracy_m: 8 })
  await log.nothingFound('ann', 'gate', null)
  const notes = (await store.all()).flatMap((one) => (one.kind === 'note' ? [one.position] : []))
  expect(notes).toEqual([{ lon: 117, lat: 39, accuracy_m: 8 }, null])
})
