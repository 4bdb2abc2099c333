// What the outbox needs from the world: a store, a way to the server, a clock, chance, and the word that no
// other tab sends at the same time.

import type { Problem } from '../../api/types.ts'
import type { Entry, LedgerPhoto, PhotoBody, Standing, Subject } from './entry.ts'

export type Outcome<T> =
  | { kind: 'done'; value: T }
  | { kind: 'refused'; problem: Problem }
  | { kind: 'signed_out'; problem: Problem }
  | { kind: 'server_fault'; problem: Problem | null; retry_after_s: number | null }
  | { kind: 'no_network' }

export interface OutboxStore {
  /** Of one person, in the order of storing. */
  all(person_id: string): Promise<Entry[]>
  /** How many unsent entries belong to somebody else. */
  others(person_id: string): Promise<number>
  get(id: string): Promise<Entry | undefined>
  /**
   * Entry and photo bytes in one transaction, so that nothing is ever stored without its photos. An entry
   * that is there already and waits for no correction stays as it is. Rejects with StorageFull.
   */
  add(entry: Omit<Entry, 'seq'>, bodies: ReadonlyMap<string, PhotoBody>): Promise<void>
  /** Writes an entry that is still there and was not sent by somebody else meanwhile. */
  put(entry: Entry): Promise<void>
  /** An entry is home: its record, what follows from it, and the end of its photos' bytes, at once. */
  complete(entry: Entry, followers: readonly Entry[]): Promise<void>
  /** With the photos that no other entry needs. */
  remove(ids: readonly string[]): Promise<void>
  photo(sha256: string): Promise<PhotoBody | undefined>
  /** Gives entries without an owner to this person. */
  adopt(person_id: string): Promise<void>
  /** Frees bytes that no unsent entry needs; a page that died may have left some. */
  sweep(): Promise<void>
}

/** No room for a report and its photos; nothing of it was stored. */
export class StorageFull extends Error {}

export interface UploadNews {
  url?: string
  sent_bytes?: number
}

export interface Transport {
  /** Sends a photo from where it stands in the ledger; `news` tells of every piece that has arrived. */
  upload(
    photo: LedgerPhoto,
    body: PhotoBody,
    owner: Pick<Entry, 'person_id' | 'behalf'>,
    news: (told: UploadNews) => Promise<void>,
  ): Promise<Outcome<unknown>>
  /** `sent_at` is what the phone's clock says now: the server can tell how wrong it is. */
  send(entry: Entry, sent_at: string): Promise<Outcome<unknown>>
  look(subject: Subject, owner: Pick<Entry, 'person_id' | 'behalf'>): Promise<Outcome<Standing>>
}

export interface OutboxPorts {
  store: OutboxStore
  transport: Transport
  /** SHA-256 in hex of stored bytes. */
  digest: (body: PhotoBody) => Promise<string>
  /** Runs the work unless another tab is at it; false when one is. */
  alone: (work: () => Promise<void>) => Promise<boolean>
  now: () => number
  random: () => number
}
