/**
 * @since 0.1.0
 */
export * as ApiKeys from "./ApiKeys.js"
/**
 * @since 0.1.0
 */
export * as Authentication from "./Authentication.js"
/**
 * @since 0.1.0
 */
export * as BytesInUse from "./BytesInUse.js"
/**
 * @since 0.1.0
 */
export * as Database from "./Database.js"
/**
 * @since 0.1.0
 */
export * as DurableFiles from "./DurableFiles.js"
/**
 * @since 0.1.0
 */
export * as DurableUploads from "./DurableUploads.js"
/**
 * @since 0.1.0
 */
export * as Health from "./Health.js"
/**
 * @since 0.1.0
 */
export * as HttpListener from "./HttpListener.js"
/**
 * @since 0.1.0
 */
export * as PartFiles from "./PartFiles.js"
/**
 * @since 0.1.0
 */
export * as PartStorage from "./PartStorage.js"
/**
 * @since 0.1.0
 */
export * as Project from "./Project.js"
/**
 * @since 0.1.0
 */
export * as Prometheus from "./Prometheus.js"
/**
 * @since 0.1.0
 */
export * as RequestId from "./RequestId.js"
/**
 * @since 0.1.0
 */
export * as RequestLog from "./RequestLog.js"
/**
 * @since 0.1.0
 */
export * as Server from "./Server.js"
/**
 * @since 0.1.0
 */
export * as ServerApi from "./ServerApi.js"
/**
 * @since 0.1.0
 */
export * as ServerConfig from "./ServerConfig.js"
/**
 * @since 0.1.0
 */
export * as ServerMetrics from "./ServerMetrics.js"
/**
 * @since 0.1.0
 */
export * as SqlUploadRepository from "./SqlUploadRepository.js"
/**
 * @since 0.1.0
 */
export * as SqliteClient from "./SqliteClient.js"
/**
 * @since 0.1.0
 */
export * as StorageError from "./StorageError.js"
/**
 * @since 0.1.0
 */
export * as Sweeper from "./Sweeper.js"
/**
 * @since 0.1.0
 */
export * as UploadRepository from "./UploadRepository.js"
