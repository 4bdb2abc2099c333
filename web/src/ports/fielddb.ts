// The database of the outbox on the phone: what waits to be sent and the bytes of its photos.

import Dexie from 'dexie'
import type { EntityTable } from 'dexie'
import type { Entry, PhotoBody } from '../core/outbox.ts'

export interface PhotoRow {
  sha256: string
  body: PhotoBody
}

export class FieldDb extends Dexie {
  entries!: EntityTable<Entry, 'seq'>
  photos!: EntityTable<PhotoRow, 'sha256'>

  constructor(name = 'gridmgmt_field') {
    // "strict" waits for the disk: a phone may be switched off right after the tap.
    super(name, { chromeTransactionDurability: 'strict' })
    this.version(1).stores({
      entries: '++seq, &id, person_id',
      photos: 'sha256',
    })
  }
}

let opened: FieldDb | null = null

/** The one database of this page; opened on first use. */
export const fieldDb = (): FieldDb => (opened ??= new FieldDb())
