/**
 * @since 0.1.0
 */
export * as ByteSize from "./ByteSize.js"
/**
 * @since 0.1.0
 */
export * as CompleteUpload from "./CompleteUpload.js"
/**
 * @since 0.1.0
 */
export * as CreateUpload from "./CreateUpload.js"
/**
 * @since 0.1.0
 */
export * as ErrorResponse from "./ErrorResponse.js"
/**
 * @since 0.1.0
 */
export * as ExpiresAfter from "./ExpiresAfter.js"
/**
 * @since 0.1.0
 */
export * as FileError from "./FileError.js"
/**
 * @since 0.1.0
 */
export * as FileObject from "./FileObject.js"
/**
 * @since 0.1.0
 */
export * as FilePurpose from "./FilePurpose.js"
/**
 * @since 0.1.0
 */
export * as IdempotencyRecord from "./IdempotencyRecord.js"
/**
 * @since 0.1.0
 */
export * as Ids from "./Ids.js"
/**
 * @since 0.1.0
 */
export * as Md5 from "./Md5.js"
/**
 * @since 0.1.0
 */
export * as MimeType from "./MimeType.js"
/**
 * @since 0.1.0
 */
export * as RequestText from "./RequestText.js"
/**
 * @since 0.1.0
 */
export * as SecureRandom from "./SecureRandom.js"
/**
 * @since 0.1.0
 */
export * as Timestamp from "./Timestamp.js"
/**
 * @since 0.1.0
 */
export * as Upload from "./Upload.js"
/**
 * @since 0.1.0
 */
export * as UploadError from "./UploadError.js"
/**
 * @since 0.1.0
 */
export * as UploadLimits from "./UploadLimits.js"
/**
 * @since 0.1.0
 */
export * as UploadPart from "./UploadPart.js"
/**
 * @since 0.1.0
 */
export * as UploadParts from "./UploadParts.js"
