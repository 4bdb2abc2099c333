import { expect, test } from 'vitest'
import { madeAtMs, makeUuid7 } from '../../src/core/uuid7.ts'

const NOW_MS = 1_795_000_000_123
const random = (count: number): Uint8Array =>
  Uint8Array.from({ length: count }, () => Math.floor(Math.random() * 256))

test('an id has the form of version 7 and says when it was made', () => {
  const id = makeUuid7(() => NOW_MS, random)()
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(NOW_MS).toBe(madeAtMs(id))
})

test('ids made in one millisecond rise and differ', () => {
  const make = makeUuid7(() => NOW_MS, random)
  const ids = Array.from({ length: 5_000 }, make)
  expect([...ids].sort()).toEqual(ids)
  expect(5_000).toBe(new Set(ids).size)
})

test('ids rise also when the clock of the phone goes back', () => {
  let now = NOW_MS
  const make = makeUuid7(() => now, random)
  const before = make()
  now -= 3_600_000
  expect(make() > before).toBe(true)
})

test('the same chance at another time is another id', () => {
  let now = NOW_MS
  const make = makeUuid7(() => now, (count) => new Uint8Array(count))
  const first = make()
  now += 1
  expect(make()).not.toBe(first)
})

test('an id of another version says nothing about time', () => {
  expect(null).toBe(madeAtMs('6f9619ff-8b86-4011-b42d-00c04fc964ff'))
})
