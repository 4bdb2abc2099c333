// Which screen is shown, kept in the address's fragment so that the phone's back button works.
//
//   #            home          #report        a new report       #report/<id>  mend a refused one
//   #outbox      what is still on this phone  #entry/<id>        one thing in the outbox
//   #map         one's grids and what is near
//   #tasks       one's tasks   #case/<id>     a task             #patrol       the plan of the day, the shift
//   #inbox       what one was told            #me                who I am, how the page looks, what is kept
//
// Every step into the page is an entry of the browser's history that knows how deep it is, so that "back"
// on the screen and the phone's own back button are the same. Tabs lie side by side: going from one to
// another replaces the entry, and home is below them all.

import { reactive, readonly } from 'vue'

export const SCREENS = [
  'home', 'report', 'outbox', 'entry', 'map', 'tasks', 'case', 'inbox', 'patrol', 'me',
] as const
export type Screen = (typeof SCREENS)[number]
const TABS: readonly Screen[] = ['home', 'map', 'tasks', 'patrol', 'me']

interface Route {
  screen: Screen
  id: string | null
}

function parse(hash: string): Route {
  const [name = '', id = null] = hash.replace(/^#/, '').split('/')
  const screen = SCREENS.find((one) => one === name)
  return screen ? { screen, id } : { screen: 'home', id: null }
}

const hashOf = (screen: Screen, id: string | null): string =>
  screen === 'home' ? '#' : `#${screen}${id ? `/${id}` : ''}`

const current = reactive<Route>(parse(location.hash))
export const route = readonly(current)

interface Place {
  depth: number
}
const depth = (): number => (history.state as Place | null)?.depth ?? 0

/** Where each screen of the history was scrolled to. */
const scrolled = new Map<number, number>()
let known = depth()

function show(): void {
  const next = parse(location.hash)
  const back = depth() < known
  known = depth()
  if (next.screen === current.screen && next.id === current.id) return
  Object.assign(current, next)
  const top = back ? (scrolled.get(known) ?? 0) : 0
  requestAnimationFrame(() => scrollTo(0, top))
}

/** Going back takes the browser a moment; a step that is asked for meanwhile is taken after it. */
let going_back = false
let after: (() => void) | null = null

function back(steps: number): void {
  going_back = true
  history.go(-steps)
}

history.scrollRestoration = 'manual'
// Back and forward; an address that was typed comes as a hashchange without a depth of ours.
addEventListener('popstate', () => {
  going_back = false
  show()
  const next = after
  after = null
  next?.()
})
addEventListener('hashchange', show)

function step(hash: string, replace: boolean): void {
  scrolled.set(known, scrollY)
  const to: Place = { depth: replace ? depth() : depth() + 1 }
  if (replace) history.replaceState(to, '', hash)
  else history.pushState(to, '', hash)
  show()
}

/** Goes to a screen; `replace` leaves no way back to the present one (a form that was sent). */
export function go(screen: Screen, id: string | null = null, replace = false): void {
  if (going_back) {
    after = () => go(screen, id, replace)
    return
  }
  const hash = hashOf(screen, id)
  if (hash === hashOf(current.screen, current.id)) return
  if (screen === 'home' && depth() > 0) {
    back(depth())
    return
  }
  const between_tabs = TABS.includes(screen) && TABS.includes(current.screen) && current.screen !== 'home'
  step(hash, replace || between_tabs || screen === 'home')
}

/** One screen back; home when the page was opened right here. */
export function goBack(): void {
  if (depth() > 0) back(1)
  else go('home', null, true)
}
