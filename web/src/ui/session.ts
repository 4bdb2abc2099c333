// Who is acting. In the demo a page signs itself in; anywhere else nobody acts until he has signed in.
//
// One browser has one session cookie, but a person trying the demo keeps the centre in one tab and the
// field page in another. So in the demo every tab remembers its own person and takes the session back
// when it comes to the front or is about to change something.

import { reactive, readonly } from 'vue'
import type { Demo, DemoPerson, Deputyship, Me, Problem } from '../api/types.ts'
import { actInPostOf, ApiProblem, call, NetworkFault, onSignedOut } from '../ports/http.ts'
import { prefs, tabPrefs } from '../ports/prefs.ts'

export type Page = 'centre' | 'field' | 'account'

interface Session {
  state: 'starting' | 'in' | 'out' | 'failed'
  page: Page
  me: Me | null
  people: DemoPerson[]
  /** In whose post this tab acts now 代理; everything but sending one's own reports. */
  acting: { person_id: string; name: string; until: string } | null
  problem: Problem | null
}

const current = reactive<Session>({ state: 'starting', page: 'centre', me: null, people: [], acting: null, problem: null })

export const session = readonly(current) as Readonly<Session>

/** Whether whoever acts carries a permission. A page hides what the server would refuse; it decides nothing. */
export const may = (permission: string): boolean => current.me?.permissions.includes(permission) ?? false

/**
 * Under what a page keeps what it was told: the person, and the post in which he acts, whose tasks are not his own.
 * Empty for nobody.
 */
export const whose = (): string =>
  current.me ? current.me.id + (current.acting ? POST + current.acting.person_id : '') : ''

/** Whose own post is spoken of, for what `whose` said. */
export const personOf = (kept: string): string => kept.split(POST)[0] ?? ''

const POST = '@'
const RETRY_MS = 4000
const CHECK_AGAIN_MS = 2000
/** A sign-out that the server has not heard of yet. */
const LEAVING = 'leaving'
let demo: Demo | null = null
let establishing: Promise<void> | null = null
let checked_ms = 0
let retry: ReturnType<typeof setTimeout> | undefined

/** Finds out who acts; to be called once per page. */
export async function startSession(page: Page): Promise<void> {
  current.page = page
  // The field page stays usable while the server is away: the last person's name is at hand.
  if (page === 'field') current.me = remembered()
  onSignedOut((now) => {
    // On a phone somebody else may have signed in since, in another tab: then this page becomes his.
    if (page === 'field') return void (current.state === 'in' && !establishing && establish())
    // A session that ended, or was ended from afar. In the demo the tab takes its person back by itself.
    if (now === 'nobody' && current.state === 'in' && !current.me?.demo) current.state = 'out'
  })
  await establish()
  addEventListener('focus', () => void ensure())
  addEventListener('online', () => void ensure())
}

/** Makes sure that the session is this tab's person's; cheap when it was checked just now. */
export async function ensure(fresh = false): Promise<void> {
  // Either way: a clock that was put back is no reason to wait.
  if (!fresh && Math.abs(Date.now() - checked_ms) < CHECK_AGAIN_MS) return
  if (current.state === 'in' && !current.me?.demo && !fresh) return
  await establish()
}

/** Demo only: act as another person in this tab. */
export async function signInAs(person_id: string): Promise<void> {
  tabPrefs.set('person', person_id)
  leavePost()
  accept(await call<Me>('/demo/sign-in', { method: 'POST', json: { person_id } }))
}

/** Acts in the post of whom this person stands in for, from now on; null ends that. */
export async function actFor(deputyship: Deputyship | null): Promise<void> {
  const before = current.acting
  if (!deputyship) leavePost()
  try {
    const me = await call<Me>('/me', { behalf: deputyship?.person_id ?? null })
    // At once, so that nothing is asked for in the post and kept as one's own.
    actInPostOf(deputyship?.person_id ?? null)
    current.acting = deputyship && { person_id: deputyship.person_id, name: deputyship.person_name, until: deputyship.ends_at }
    accept(me)
  } catch (fault) {
    leavePost()
    if (before) accept(await call<Me>('/me'))
    throw fault
  }
}

function leavePost(): void {
  actInPostOf(null)
  current.acting = null
}

/** Whoever has just signed in with what he knows and what he has. */
export function welcome(me: Me): void {
  accept(me)
}

/**
 * Ends the session; the device stays known. A phone forgets its person at once, with or without a network, and
 * the server hears of it as soon as it can.
 */
export async function signOut(): Promise<void> {
  try {
    await call('/session', { method: 'DELETE' })
  } catch (fault) {
    if (current.page !== 'field' || !(fault instanceof NetworkFault)) throw fault
    prefs.set(LEAVING, 'yes')
  }
  leavePost()
  prefs.remove('me')
  current.me = null
  current.state = 'out'
}

/** Tells the server of a sign-out that it could not be told of. */
async function leaveForGood(): Promise<void> {
  if (!prefs.get(LEAVING)) return
  await unless(401, call('/session', { method: 'DELETE' }))
  prefs.remove(LEAVING)
}

function establish(): Promise<void> {
  establishing ??= findOut().finally(() => (establishing = null))
  return establishing
}

async function findOut(): Promise<void> {
  clearTimeout(retry)
  checked_ms = Date.now()
  try {
    await leaveForGood()
    let me = await whoAmI()
    if (me && current.acting && me.id !== current.me?.id) {
      // Somebody else who stands in for the same person; he has not said that he does now.
      leavePost()
      me = await whoAmI()
    }
    if (!me || me.demo) demo ??= await askDemo()
    current.people = demo?.people ?? []
    const wanted = demo ? personFor(demo, me) : null
    if (wanted && wanted !== me?.id) return await signInAs(wanted)
    if (me) accept(me)
    else current.state = 'out'
  } catch (fault) {
    current.problem = fault instanceof ApiProblem ? fault.problem : null
    if (current.acting && fault instanceof ApiProblem && fault.problem.status === 403) {
      // The deputyship has ended meanwhile.
      leavePost()
      return await findOut()
    }
    if (current.state !== 'in') current.state = prefs.get(LEAVING) ? 'out' : 'failed'
    retry = setTimeout(() => void establish(), RETRY_MS)
  }
}

function accept(me: Me): void {
  prefs.remove(LEAVING)
  // Whose post one acted in is no business of the next person on this phone.
  if (current.me && current.me.id !== me.id) leavePost()
  current.me = me
  current.state = 'in'
  current.problem = null
  if (current.page === 'field' && !current.acting) prefs.set('me', JSON.stringify(me))
}

async function whoAmI(): Promise<Me | null> {
  return unless<Me>(401, call<Me>('/me'))
}

/** Null on a real installation, where this address does not exist. */
async function askDemo(): Promise<Demo | null> {
  return unless<Demo>(404, call<Demo>('/demo'))
}

async function unless<T>(status: number, answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (fault) {
    if (fault instanceof ApiProblem && fault.problem.status === status) return null
    throw fault
  }
}

/** The person this tab chose; else whoever is signed in, if the page is his; else the demo's default. */
function personFor(known: Demo, me: Me | null): string {
  const chosen = tabPrefs.get('person')
  if (chosen && known.people.some((person) => person.id === chosen)) return chosen
  const own = known.people.find((person) => person.id === me?.id)
  if (current.page === 'account') return own?.id ?? known.defaults.centre
  return own?.for.includes(current.page) ? own.id : known.defaults[current.page]
}

function remembered(): Me | null {
  try {
    return JSON.parse(prefs.get('me') ?? 'null') as Me | null
  } catch {
    return null
  }
}
