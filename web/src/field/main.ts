// The field page, served at /field: one phone, one worker, one hand.

import { createApp } from 'vue'
import '../ui/tokens.css'
import '../ui/base.css'
import './shell/vant.css'
import { newId } from '../ports/ids.ts'
import { takePhoto } from '../ports/photos.ts'
import { i18n, startLocale } from '../ui/i18n.ts'
import { startSession } from '../ui/session.ts'
import { startUnsaved } from '../ui/unsaved.ts'
import FieldApp from './FieldApp.vue'
import { keep, keepReport, startOutbox } from './outbox/sending.ts'
import { startForgetting } from './shell/forgetting.ts'
import { startRenewal } from './shell/renewal.ts'
import { startTheme } from './shell/theme.ts'

// For tests that write more reports than anybody would fill in: what the form calls, and nothing else.
Object.assign(window, { __field: { keep, keepReport, takePhoto, newId } })

startTheme()
startUnsaved()
void startSession('field')
startForgetting()
void startOutbox()
void startRenewal()
void startLocale().finally(() => createApp(FieldApp).use(i18n).mount('#app'))
