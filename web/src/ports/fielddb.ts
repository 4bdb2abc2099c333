// The database of the field page on the phone: what waits to be sent, photo bytes, drafts, and what the page
// has to know without a network. Everything personal is kept under its person's id.

import Dexie from 'dexie'
import type { EntityTable, Table } from 'dexie'
import type { Entry, PhotoBody } from '../core/outbox.ts'

export interface PhotoRow {
  sha256: string
  body: PhotoBody
}

export interface KeptRow {
  person_id: string
  name: string
  at: string
  value: unknown
}

export class FieldDb extends Dexie {
  entries!: EntityTable<Entry, 'seq'>
  photos!: EntityTable<PhotoRow, 'sha256'>
  /** Forms that are not finished. */
  drafts!: Table<KeptRow, [string, string]>
  /** Answers of the server, for when it is away. */
  known!: Table<KeptRow, [string, string]>

  constructor(name = 'gridmgmt_field') {
    // "strict" waits for the disk: a phone may be switched off right after the tap.
    super(name, { chromeTransactionDurability: 'strict' })
    this.version(1).stores({
      entries: '++seq, &id, person_id',
      photos: 'sha256',
      drafts: '[person_id+name]',
      known: '[person_id+name]',
    })
  }
}

let opened: FieldDb | null = null

/** The one database of this page; opened on first use. */
export const fieldDb = (): FieldDb => (opened ??= new FieldDb())
