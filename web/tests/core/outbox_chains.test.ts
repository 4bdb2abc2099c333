import { expect, test } from 'vitest'
import { heldBy, mayRedo, otherJob } from '../../src/core/outbox.ts'
import { ScriptedNetwork, makeJob, makeMove, makeOutbox, stale } from './builders.ts'

const OTHER_CASE = '019ab000-0000-7000-8000-00000000c002'
const standing = (version: number, ...legal: string[]) =>
  ({ kind: 'done', value: { version, state: 'handled', legal, updated_at: null } }) as const

/** A move of version 3, of a case that is at 5 by now and lets it be done anew. */
async function overtaken() {
  const network = new ScriptedNetwork(stale(5))
  network.standing = standing(5, 'submit_result')
  const { outbox, entry } = makeOutbox(network)
  const move = makeMove(1, 'submit_result', 3)
  await outbox.add(move)
  await outbox.flush()
  return { network, outbox, entry, move }
}

test('what was done to one case offline is sent in the order in which it was done', async () => {
  const network = new ScriptedNetwork()
  const { outbox } = makeOutbox(network)
  for (const [n, action] of ['sign_for', 'milestone', 'submit_result'].entries()) await outbox.add(makeMove(n, action, 3))
  await outbox.flush()
  expect(network.bodies.map((body) => [body['action'], body['version']])).toEqual([
    ['sign_for', 3], ['milestone', 4], ['submit_result', 5],
  ])
})

test('a step that fails on the way holds up those behind it of the same case, and no other case', async () => {
  const network = new ScriptedNetwork('server_fault')
  const { outbox } = makeOutbox(network)
  await outbox.add(makeMove(1, 'sign_for', 3))
  await outbox.add(makeMove(2, 'submit_result', 3))
  await outbox.add(makeMove(3, 'sign_for', 9, OTHER_CASE))
  await outbox.flush()
  expect(['case_action f001', 'case_action f003']).toEqual(network.sent)
  await outbox.flush(true)
  expect(['case_action f001', 'case_action f002']).toEqual(network.sent.slice(2))
})

test('a refused step holds up those behind it, and says so', async () => {
  const network = new ScriptedNetwork('refused')
  const { outbox, store } = makeOutbox(network)
  const [one, two] = [makeMove(1, 'sign_for', 3), makeMove(2, 'submit_result', 3)]
  await outbox.add(one)
  await outbox.add(two)
  await outbox.flush()
  await outbox.flush(true)
  expect(['case_action f001']).toEqual(network.sent)
  const entries = [...store.entries.values()]
  expect(entries.map((entry) => heldBy(entry, entries)?.id)).toEqual([undefined, one.id])
  await outbox.resend(one.id)
  await outbox.flush()
  expect(['case_action f001', 'case_action f001', 'case_action f002']).toEqual(network.sent)
})

test('a refused step that is given up lets the next one try', async () => {
  const network = new ScriptedNetwork('refused')
  const { outbox } = makeOutbox(network)
  const one = makeMove(1, 'sign_for', 3)
  await outbox.add(one)
  await outbox.add(makeMove(2, 'submit_result', 3))
  await outbox.flush()
  await outbox.remove(one.id)
  await outbox.flush(true)
  expect(network.bodies.map((body) => [body['action'], body['version']])).toEqual([['sign_for', 3], ['submit_result', 3]])
})

test('a case that changed meanwhile is a conflict that shows how it stands, never an overwrite', async () => {
  const { network, outbox, entry, move } = await overtaken()
  await outbox.flush(true)
  expect(['conflict', 5, 'handled']).toEqual([entry(move.id).state, entry(move.id).standing?.version, entry(move.id).standing?.state])
  expect(1).toBe(network.sent.length)
})

test('a conflict is done anew on the case as it is now, with what was meant to follow', async () => {
  const network = new ScriptedNetwork(stale(5))
  network.standing = standing(5, 'submit_result')
  const { outbox, entry } = makeOutbox(network)
  const [one, two] = [makeMove(1, 'submit_result', 3), makeMove(2, 'milestone', 3)]
  await outbox.add(one)
  await outbox.add(two)
  await outbox.flush()
  expect(true).toBe(await outbox.redo(one.id))
  await outbox.flush(true)
  expect(['sent', 'sent']).toEqual([entry(one.id).state, entry(two.id).state])
  expect([3, 5, 6]).toEqual(network.bodies.map((body) => body['version']))
})

test('a conflict whose action is not allowed any more can only be dropped', async () => {
  const network = new ScriptedNetwork(stale(5))
  network.standing = standing(5, 'verify')
  const { outbox, store, entry } = makeOutbox(network)
  const move = makeMove(1, 'submit_result', 3)
  await outbox.add(move)
  await outbox.flush()
  expect([false, false]).toEqual([mayRedo(entry(move.id)), await outbox.redo(move.id)])
  expect(true).toBe(await outbox.remove(move.id))
  expect(0).toBe(store.entries.size)
})

test('how the case of a conflict stands is read later when it could not be read at once', async () => {
  const network = new ScriptedNetwork(stale(5))
  const { outbox, entry } = makeOutbox(network)
  const move = makeMove(1, 'submit_result', 3)
  await outbox.add(move)
  await outbox.flush()
  expect([null, false]).toEqual([entry(move.id).standing, await outbox.redo(move.id)])
  network.standing = standing(6, 'submit_result')
  await outbox.look(move.id)
  expect(6).toBe(entry(move.id).standing?.version)
})

test('a step whose answer was lost does not carry the next one over what others did meanwhile', async () => {
  // The first was done (version 4), then somebody else moved the case (5); the repeated answer shows 5.
  const network = new ScriptedNetwork('no_network', () => ({ kind: 'done', value: { version: 5 } }), stale(5))
  network.standing = standing(5)
  const { outbox, entry } = makeOutbox(network)
  const [one, two] = [makeMove(1, 'sign_for', 3), makeMove(2, 'submit_result', 3)]
  await outbox.add(one)
  await outbox.add(two)
  await outbox.flush()
  await outbox.flush(true)
  expect(['sent', 'conflict', 4]).toEqual([entry(one.id).state, entry(two.id).state, entry(two.id).body['version']])
})

test('a report that no case stands behind is refused and never a conflict', async () => {
  const network = new ScriptedNetwork(stale(5))
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(...makeJob())
  await outbox.flush()
  expect('refused').toBe(entry().state)
})

test('anything that the server takes twice as once can go through the outbox', async () => {
  const network = new ScriptedNetwork('no_network')
  const { outbox, entry } = makeOutbox(network)
  await outbox.add(otherJob({ id: 'a1', chain: 'inbox', title: '签阅', path: '/inbox/a1/acknowledge' }))
  await outbox.flush()
  await outbox.flush(true)
  expect(['sent', '/inbox/a1/acknowledge']).toEqual([entry('a1').state, entry('a1').path])
})

test('what the owner chose while the case was being read again stands', async () => {
  const { network, outbox, entry, move } = await overtaken()
  let answer = (): void => undefined
  const read = new Promise<void>((resolve) => (answer = resolve))
  network.look = async () => read.then(() => network.standing)
  const looked = outbox.look(move.id)
  expect(await outbox.redo(move.id)).toBe(true)
  answer()
  await looked
  expect([entry(move.id).state, entry(move.id).body['version']]).toEqual(['queued', 5])
})
