// What each screen is called, which tab it belongs to and what draws it.

import type { Component } from 'vue'
import HomeScreen from './home/HomeScreen.vue'
import InboxScreen from './shell/InboxScreen.vue'
import MapScreen from './map/MapScreen.vue'
import MeScreen from './me/MeScreen.vue'
import EntryScreen from './outbox/EntryScreen.vue'
import OutboxScreen from './outbox/OutboxScreen.vue'
import PatrolScreen from './patrol/PatrolScreen.vue'
import ReportForm from './report/ReportForm.vue'
import TaskScreen from './tasks/TaskScreen.vue'
import TasksScreen from './tasks/TasksScreen.vue'
import type { Screen } from './route.ts'

export interface ScreenOf {
  title: string
  /** The tab that is marked; null shows no tabs: the screen has a bar of its own at the bottom. */
  tab: Tab | null
  show: Component
}

export const TABS = ['home', 'map', 'tasks', 'patrol', 'me'] as const
export type Tab = (typeof TABS)[number]

export const SCREEN: Record<Screen, ScreenOf> = {
  home: { title: 'app.field', tab: 'home', show: HomeScreen },
  report: { title: 'field.report', tab: null, show: ReportForm },
  outbox: { title: 'field.outbox', tab: 'home', show: OutboxScreen },
  entry: { title: 'shell.entry', tab: 'home', show: EntryScreen },
  map: { title: 'own_map.title', tab: 'map', show: MapScreen },
  tasks: { title: 'field.tasks', tab: 'tasks', show: TasksScreen },
  case: { title: 'shell.case', tab: 'tasks', show: TaskScreen },
  inbox: { title: 'inbox.title', tab: 'home', show: InboxScreen },
  patrol: { title: 'patrol.title', tab: 'patrol', show: PatrolScreen },
  me: { title: 'shell.me', tab: 'me', show: MeScreen },
}
