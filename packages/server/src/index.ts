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
export * as BytesInUse from "./Leases"
/**
 * @since 0.1.0
 */
export * as Database from "./internal/sql/database"
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
export * as Health from "./internal/http/health"
/**
 * @since 0.1.0
 */
export * as HttpListener from "./internal/http/listener"
/**
 * @since 0.1.0
 */
export * as PartFiles from "./FilePartStorage"
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
export * as Prometheus from "./internal/http/prometheusMetrics"
/**
 * @since 0.1.0
 */
export * as RequestId from "./internal/http/requestId"
/**
 * @since 0.1.0
 */
export * as RequestLog from "./internal/http/requestLog"
/**
 * @since 0.1.0
 */
export * as Server from "./Server.js"
/**
 * @since 0.1.0
 */
export * as ServerApi from "./internal/http/serverApi"
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
