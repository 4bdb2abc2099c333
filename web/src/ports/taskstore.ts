// What the phone keeps of a person's tasks and messages, so that they can be read in a stairwell: lists and
// cases as they were last read, per person and post that he acts in (session.ts, `whose`). It is a copy and
// nothing else: signing out deletes it.

import Dexie from 'dexie'
import type { EntityTable } from 'dexie'
import type { CaseDetail, CaseRow, Inbox, JointCall } from '../api/types.ts'

export interface KeptList {
  person_id: string
  read_at_ms: number
  rows: CaseRow[]
  calls: JointCall[]
}

export interface KeptCase {
  key: string
  person_id: string
  case_id: string
  version: number
  read_at_ms: number
  detail: CaseDetail
}

export interface KeptInbox {
  person_id: string
  page: Inbox
}

type Store = Dexie & {
  inboxes: EntityTable<KeptInbox, 'person_id'>
  lists: EntityTable<KeptList, 'person_id'>
  cases: EntityTable<KeptCase, 'key'>
}

export const keyOf = (person_id: string, case_id: string): string => `${person_id}/${case_id}`

function open(): Store {
  const made = new Dexie('gridmgmt-tasks') as Store
  made.version(1).stores({ lists: 'person_id', cases: 'key, person_id', inboxes: 'person_id' })
  return made
}

let db: Store | null = null
const store = (): Store => (db ??= open())

/** Without storage (a private window, say) the page works as long as there is a network. */
async function unlessBroken<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch {
    return otherwise
  }
}

export const keptList = (person_id: string): Promise<KeptList | null> =>
  unlessBroken(null, async () => (await store().lists.get(person_id)) ?? null)

export const keptCases = (person_id: string): Promise<KeptCase[]> =>
  unlessBroken([], () => store().cases.where('person_id').equals(person_id).toArray())

/** The list as it is now; cases that are no longer in it are forgotten. */
export function keepList(list: KeptList): Promise<void> {
  return unlessBroken(undefined, async () => {
    const { lists, cases } = store()
    const listed = new Set([...list.rows.map((row) => row.id), ...list.calls.map((call) => call.case_id)])
    await store().transaction('rw', lists, cases, async () => {
      await lists.put(list)
      await cases.where('person_id').equals(list.person_id).and((one) => !listed.has(one.case_id)).delete()
    })
  })
}

export const keepCase = (person_id: string, detail: CaseDetail, read_at_ms: number): Promise<void> =>
  unlessBroken(undefined, async () => {
    const { id: case_id, version } = detail
    await store().cases.put({ key: keyOf(person_id, case_id), person_id, case_id, version, read_at_ms, detail })
  })

export const keptInbox = (person_id: string): Promise<Inbox | null> =>
  unlessBroken(null, async () => (await store().inboxes.get(person_id))?.page ?? null)

export const keepInboxPage = (person_id: string, page: Inbox): Promise<void> =>
  unlessBroken(undefined, async () => void (await store().inboxes.put({ person_id, page })))

/** Whoever signs out leaves no copy of cases behind, also of those of posts that he acted in (`person@post`). */
export const forget = (person_id: string): Promise<void> =>
  unlessBroken(undefined, async () => {
    const { lists, cases, inboxes } = store()
    await store().transaction('rw', lists, cases, inboxes, async () => {
      for (const table of [lists, cases, inboxes]) {
        await table.where('person_id').equals(person_id).or('person_id').startsWith(`${person_id}@`).delete()
      }
    })
  })
