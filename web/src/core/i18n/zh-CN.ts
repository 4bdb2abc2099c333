// 中文界面文字，主语言；每个功能一个文件。en/ 与此同形（类型检查），错误码、事件、事实是否齐全由测试检查。
// 状态和动作的名称不在这里：它们随流程表生成（workflow.gen.ts）。

import { errors, refusal } from './errors.zh-CN.ts'
import { texts as account } from './zh-CN/account.ts'
import { texts as app } from './zh-CN/app.ts'
import { texts as beside } from './zh-CN/beside.ts'
import { texts as ofCase } from './zh-CN/case.ts'
import { texts as centre } from './zh-CN/centre.ts'
import { texts as field } from './zh-CN/field.ts'
import { texts as inbox } from './zh-CN/inbox.ts'
import { texts as outbox } from './zh-CN/outbox.ts'
import { texts as map } from './zh-CN/map.ts'
import { texts as patrol } from './zh-CN/patrol.ts'
import { texts as report } from './zh-CN/report.ts'
import { texts as shell } from './zh-CN/shell.ts'
import { texts as tasks } from './zh-CN/tasks.ts'

const messages = {
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

export type Messages = typeof messages

export default messages
