// Which screen is shown, kept in the address's fragment so that the phone's back button works.
//
//   #            home          #report        a new report       #report/<id>  mend a refused one
//   #entry/<id>  a report in the outbox        #case/<id>        a task
//   #inbox       what one was told             #patrol           the plan of the day and the shift

import { reactive, readonly } from 'vue'

export type Screen = 'home' | 'report' | 'entry' | 'case' | 'inbox' | 'patrol'

interface Route {
  screen: Screen
  id: string | null
}

const SCREENS: readonly string[] = ['report', 'entry', 'case', 'inbox', 'patrol']

function parse(hash: string): Route {
  const [screen = '', id = null] = hash.replace(/^#/, '').split('/')
  return SCREENS.includes(screen) ? { screen: screen as Screen, id } : { screen: 'home', id: null }
}

const current = reactive<Route>(parse(location.hash))
export const route = readonly(current)

addEventListener('hashchange', () => {
  Object.assign(current, parse(location.hash))
  scrollTo(0, 0)
})

/** Goes to a screen; `replace` leaves no way back to the present one (a form that was sent). */
export function go(screen: Screen, id: string | null = null, replace = false): void {
  const hash = screen === 'home' ? '#' : `#${screen}${id ? `/${id}` : ''}`
  if (replace) location.replace(hash)
  else location.hash = hash
}
