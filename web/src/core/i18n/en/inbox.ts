import type { Texts } from '../texts.ts'
import type { texts as chinese } from '../zh-CN/inbox.ts'

export const texts: Texts<typeof chinese> = {
  inbox: {
    title: 'Inbox',
    bell: 'Inbox: {unread} unread, {owed} to acknowledge',
    owed_short: '{n} to sign',
    counts: '{unread} unread · {owed} to acknowledge',
    unread: 'Unread',
    read_all: 'Mark all as read',
    empty: 'No messages',
    older: 'Older messages',
    about: 'Case {number}',
    rung: 'Rung {rung} · {percent} % of the limit used',
    open_case: 'Open case',
    acknowledge: 'Acknowledge',
    acknowledged: 'Acknowledged by {name}, {time}',
    instead: '{because}; instead of {name} ({absence})',
    because: {
      worker: 'You handle this case',
      unit: 'Your unit is responsible',
      desk: 'Your desk acts next',
      grid_worker: 'You are the grid worker there',
      grid_leader: 'You are the grid leader there',
      community: 'The case lies in your community',
      street: 'Passed up to the street',
      district: 'Passed up to the district',
      reporter: 'You reported it',
      requester: 'You asked for it',
      named: 'You were named',
    },
    absence: { deputy_in_force: 'has a deputy', on_leave: 'on leave', off_duty: 'off duty' },
    away: '{because}; you are {absence} and nobody stands in',
  },
  deputy: {
    act_as: 'Act as a deputy',
    as_self: 'As myself',
    acting: 'Acting for {name}',
    acting_until: 'Deputy until {time}',
    stop: 'Back to myself',
    choice: 'For {name} · {role}',
  },
}
