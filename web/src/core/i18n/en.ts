// English texts, one file a feature, the same shape as zh-CN/. Words follow docs/reference/glossary.

import { errors, refusal } from './errors.en.ts'
import { texts as account } from './en/account.ts'
import { texts as app } from './en/app.ts'
import { texts as beside } from './en/beside.ts'
import { texts as ofCase } from './en/case.ts'
import { texts as centre } from './en/centre.ts'
import { texts as field } from './en/field.ts'
import { texts as inbox } from './en/inbox.ts'
import { texts as outbox } from './en/outbox.ts'
import { texts as map } from './en/map.ts'
import { texts as patrol } from './en/patrol.ts'
import { texts as report } from './en/report.ts'
import { texts as shell } from './en/shell.ts'
import { texts as tasks } from './en/tasks.ts'
import type { Messages } from './zh-CN.ts'

const messages: Messages = {
  ...app,
  ...account,
  ...centre,
  ...ofCase,
  ...beside,
  ...field,
  ...inbox,
  ...outbox,
  ...map,
  ...patrol,
  ...report,
  ...shell,
  ...tasks,
  refusal,
  errors,
}

export default messages
