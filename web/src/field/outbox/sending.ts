// The outbox of this phone, and when it sends: on load, when the network or the page comes back, after every
// job, and on a timer. Everything a worker does goes in by `keep`.

import { computed, shallowRef, watch } from 'vue'
import type { ReportIn } from '../../api/types.ts'
import { needsLook, Outbox, reportJob } from '../../core/outbox.ts'
import type { Entry, Job, PhotoBody, PhotoRef } from '../../core/outbox.ts'
import { fieldDb } from '../../ports/fielddb.ts'
import { alone } from '../../ports/lock.ts'
import { dexieOutboxStore, onEntriesChanged } from '../../ports/outboxstore.ts'
import { digest } from '../../ports/photos.ts'
import { prefs } from '../../ports/prefs.ts'
import { askToKeep, room } from '../../ports/storage.ts'
import { httpTransport } from '../../ports/transport.ts'
import { ensure, session } from '../../ui/session.ts'

const TIMER_MS = 5_000

export const store = dexieOutboxStore(fieldDb(), room, lastPerson)
export const outbox = new Outbox({
  store,
  transport: httpTransport,
  digest: async (body) => digest(new Uint8Array(await (body as Blob).arrayBuffer())),
  alone: (work) => alone('gridmgmt.outbox', work),
  now: () => Date.now(),
  random: () => Math.random(),
})

export const entries = shallowRef<readonly Entry[]>([])
/** Whether the phone has said what it holds of whoever uses it; until then nobody is told that all was sent. */
export const known = shallowRef(false)
/** Reports of somebody else that wait on this phone; of what they say nothing is known here. */
export const ofOthers = shallowRef(0)
/** What is not home yet, oldest first: that is the order of sending. */
export const unsent = computed(() => entries.value.filter((entry) => entry.state !== 'sent').reverse())
/** How many go by themselves, and how many need a look. */
export const waiting = computed(() => unsent.value.filter((entry) => !needsLook(entry)).length)
export const refused = computed(() => unsent.value.length - waiting.value)
export const sent = computed(() => entries.value.filter((entry) => entry.state === 'sent'))

/** Keeps a job on the phone and sends it when that is possible. Rejects with StorageFull; then nothing is kept. */
export async function keep(job: Job, bodies: ReadonlyMap<string, PhotoBody> = new Map()): Promise<void> {
  await outbox.add(job, bodies)
  void askToKeep()
  void sendNow()
}

const PATIENCE_MS = 8_000

/**
 * Keeps a job, and waits a moment for what becomes of it: whoever stands before an open form wants to hear a
 * refusal there. The entry as it is then; it goes on by itself.
 */
export async function keepAndSee(job: Job, bodies: ReadonlyMap<string, PhotoBody>): Promise<Entry | undefined> {
  await outbox.add(job, bodies)
  void askToKeep()
  await Promise.race([sendNow(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))])
  return store.get(job.id)
}

/** Keeps a report with its photos. */
export const keepReport = (
  report: ReportIn,
  title: string,
  photos: PhotoRef[],
  bodies: ReadonlyMap<string, PhotoBody>,
): Promise<void> => keep(reportJob(report, title, photos), bodies)

/** Sends what is due. `eager` ignores the pauses between attempts. */
export async function sendNow(eager = true): Promise<void> {
  if (!entries.value.some((entry) => entry.state === 'queued' || entry.state === 'sending')) return
  // Who signed out, or whose session ended, is not asked about every few seconds.
  if (session.state === 'out' && !eager) return
  await ensure()
  // Nobody is signed in, or nobody can be asked: it waits. A dead network is found out by trying.
  if (session.state === 'in' || session.state === 'failed') await outbox.flush(eager)
}

export async function startOutbox(): Promise<void> {
  outbox.subscribe((view) => {
    entries.value = view.entries
    ofOthers.value = view.of_others
  })
  watch(() => session.me?.id ?? null, async (person_id) => {
    known.value = false
    entries.value = []
    await outbox.belongTo(person_id)
    if (person_id === (session.me?.id ?? null)) known.value = true
    await sendNow()
  }, { immediate: true })
  onEntriesChanged(fieldDb(), () => void outbox.announce())
  await store.sweep()
  addEventListener('online', () => void sendNow())
  addEventListener('focus', () => void sendNow())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void sendNow()
  })
  setInterval(() => void sendNow(false), TIMER_MS)
}

/** Whoever used this page before entries had an owner. */
function lastPerson(): string | null {
  try {
    return (JSON.parse(prefs.get('me') ?? 'null') as { id?: string } | null)?.id ?? null
  } catch {
    return null
  }
}
