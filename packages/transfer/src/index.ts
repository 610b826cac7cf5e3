/**
 * @since 0.1.0
 */
export * as BrowserUploads from "./BrowserUploads.js"
/**
 * @since 0.1.0
 */
export * as FileAccess from "./FileAccess.js"
/**
 * @since 0.1.0
 */
export * as Md5Hasher from "./Md5Hasher.js"
/**
 * @since 0.1.0
 */
export * as PartPlan from "./PartPlan.js"
/**
 * @since 0.1.0
 */
export * as SourceError from "./SourceError.js"
/**
 * @since 0.1.0
 */
export * as Transfer from "./Transfer.js"
/**
 * @since 0.1.0
 */
export * as TransferError from "./TransferError.js"
/**
 * @since 0.1.0
 */
export * as TransferEvent from "./TransferEvent.js"
/**
 * @since 0.1.0
 */
export * as TransferFiles from "./TransferFiles.js"
/**
 * @since 0.1.0
 */
export * as TransferJournal from "./TransferJournal.js"
/**
 * @since 0.1.0
 */
export * as TransferOptions from "./TransferOptions.js"
/**
 * @since 0.1.0
 */
export * as TransferSource from "./TransferSource.js"
