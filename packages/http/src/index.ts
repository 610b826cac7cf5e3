/**
 * @since 0.1.0
 */
export * as BrowserUploadsHttpClient from "./BrowserUploadsHttpClient.js"
/**
 * @since 0.1.0
 */
export * as ByteLimits from "./ByteLimits.js"
/**
 * @since 0.1.0
 */
export * as ClientOptions from "./ClientOptions.js"
/**
 * @since 0.1.0
 */
export * as CreateFile from "./CreateFile.js"
/**
 * @since 0.1.0
 */
export * as DeleteFile from "./DeleteFile.js"
/**
 * @since 0.1.0
 */
export * as ErrorEnvelope from "./ErrorEnvelope.js"
/**
 * @since 0.1.0
 */
export * as ErrorMapping from "./ErrorMapping.js"
/**
 * @since 0.1.0
 */
export * as EventLoop from "./EventLoop.js"
/**
 * @since 0.1.0
 */
export * as FileRange from "./FileRange.js"
/**
 * @since 0.1.0
 */
export * as FilesClient from "./FilesClient.js"
/**
 * @since 0.1.0
 */
export * as FilesMemory from "./FilesMemory.js"
/**
 * @since 0.1.0
 */
export * as FilesService from "./FilesService.js"
/**
 * @since 0.1.0
 */
export * as IdempotencyKey from "./IdempotencyKey.js"
/**
 * @since 0.1.0
 */
export * as ListFiles from "./ListFiles.js"
/**
 * @since 0.1.0
 */
export * as PartData from "./PartData.js"
/**
 * @since 0.1.0
 */
export * as RetryPolicy from "./RetryPolicy.js"
/**
 * @since 0.1.0
 */
export * as ServiceError from "./ServiceError.js"
/**
 * @since 0.1.0
 */
export * as UploadsApi from "./UploadsApi.js"
/**
 * @since 0.1.0
 */
export * as UploadsClient from "./UploadsClient.js"
/**
 * @since 0.1.0
 */
export * as UploadsMemory from "./UploadsMemory.js"
/**
 * @since 0.1.0
 */
export * as UploadsMetrics from "./UploadsMetrics.js"
/**
 * @since 0.1.0
 */
export * as UploadsRoutes from "./UploadsRoutes.js"
/**
 * @since 0.1.0
 */
export * as UploadsService from "./UploadsService.js"
