/** The version of the pages, put in when they are built. */
declare const __APP_VERSION__: string
