// What an older version of the page left on the phone, brought over once: nothing of it is lost, and the old
// database is deleted only after the new one has it all.

import Dexie from 'dexie'
import type { ReportIn, ReportOut } from '../api/types.ts'
import type { Entry, PhotoBody, PhotoRef } from '../core/outbox.ts'
import { reportJob } from '../core/outbox.ts'
import type { FieldDb } from './fielddb.ts'

const OLD = 'gridmgmt'

interface OldEntry {
  id: string
  created_at: string
  title: string
  report: ReportIn
  photos: PhotoRef[]
  state: 'queued' | 'sending' | 'sent' | 'refused'
  attempts: number
  next_at_ms: number
  problem: Entry['problem']
  answer: ReportOut | null
}

/** Copies the old outbox into the new one; entries become this person's, or whoever's who signs in next. */
export async function bring(db: FieldDb, person_id: string | null): Promise<void> {
  if (!(await Dexie.exists(OLD))) return
  const old = new Dexie(OLD)
  try {
    await old.open()
    const has = (name: string): boolean => old.tables.some((table) => table.name === name)
    if (has('outbox_entries') && has('outbox_photos')) {
      const entries = (await old.table('outbox_entries').orderBy(':id').toArray()) as OldEntry[]
      const photos = (await old.table('outbox_photos').toArray()) as { sha256: string; body: PhotoBody }[]
      await db.transaction('rw', db.entries, db.photos, async () => {
        for (const entry of entries) {
          // Brought before by a page that died before it could delete the old one.
          if (!(await db.entries.get({ id: entry.id }))) await db.entries.add(asNew(entry, person_id) as Entry)
        }
        await db.photos.bulkPut(photos)
      })
    }
  } finally {
    old.close()
  }
  await Dexie.delete(OLD)
}

function asNew(old: OldEntry, person_id: string | null): Omit<Entry, 'seq'> {
  return {
    ...reportJob(old.report, old.title, old.photos),
    person_id,
    created_at: old.created_at,
    photos: old.photos.map((photo) => ({ ...photo, sent_bytes: 0, upload_url: null, stored: old.state === 'sent' })),
    state: old.state === 'sending' ? 'queued' : old.state,
    attempts: old.attempts,
    next_at_ms: 0,
    problem: old.problem,
    standing: null,
    answer: old.answer,
  }
}
