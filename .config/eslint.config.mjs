import * as effect from "@effect/eslint-plugin"
import { defineConfig } from "eslint/config"
import tseslint from "typescript-eslint"

const noThrow = {
  selector: "ThrowStatement",
  message: "A failure is a value: use Effect.fail, Either.left or a Schema filter."
}

const barrels = ["effect", "@effect/platform"].map((name) => ({
  name,
  message: `Import the module, as in \`import * as Effect from "effect/Effect"\`: the barrel loads everything.`
}))

const fromClock = "Time comes from effect/Clock or effect/DateTime, so that tests can set it."
const fromRandom = "Randomness comes from SecureRandom of domain (ids) or effect/Random, so that tests can replace it."

const ofClock = ["Date", "setTimeout", "setInterval", "setImmediate"].map((name) => ({ name, message: fromClock }))

/** The page of the server keeps the rules of a library. */
const page = "packages/server/page/**/*.{ts,tsx}"

const onlyInNode = "This package runs anywhere: what needs Node goes into a module whose name begins with Node."

export default defineConfig(
  { ignores: ["**/dist", "**/build", "**/coverage"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    name: "format",
    files: ["**/*.{ts,tsx,mts,js,mjs}"],
    languageOptions: { parser: tseslint.parser },
    plugins: { "@effect": effect },
    rules: {
      "@effect/dprint": ["error", {
        config: {
          indentWidth: 2,
          lineWidth: 120,
          semiColons: "asi",
          quoteStyle: "alwaysDouble",
          trailingCommas: "never",
          operatorPosition: "maintain",
          "arrowFunction.useParentheses": "force"
        }
      }]
    }
  },
  {
    name: "every TypeScript file",
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.recommended],
    rules: {
      "@typescript-eslint/array-type": ["error", { default: "generic", readonly: "generic" }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "with-single-extends" }],
      // The compiler's noUnusedLocals and noUnusedParameters say the same.
      "@typescript-eslint/no-unused-vars": "off",
      "eqeqeq": "error"
    }
  },
  {
    name: "sources",
    files: ["packages/*/src/**/*.ts", page],
    rules: {
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "no-restricted-syntax": ["error", noThrow]
    }
  },
  {
    name: "libraries",
    files: ["packages/*/src/**/*.ts", page],
    ignores: ["packages/examples/**"],
    rules: {
      "no-console": "error",
      "no-restricted-imports": ["error", { paths: barrels }],
      "no-restricted-globals": ["error", {
        checkGlobalObject: true,
        globals: ofClock
      }],
      "no-restricted-properties": [
        "error",
        { object: "performance", property: "now", message: fromClock },
        { object: "Math", property: "random", message: fromRandom },
        { object: "crypto", property: "randomUUID", message: fromRandom },
        { object: "crypto", property: "getRandomValues", message: fromRandom }
      ]
    }
  },
  {
    name: "portable libraries",
    files: ["packages/{domain,http,transfer}/src/**/*.ts", page],
    ignores: ["**/Node*.ts"],
    rules: {
      "no-restricted-imports": ["error", { paths: barrels, patterns: [{ group: ["node:*"], message: onlyInNode }] }],
      "no-restricted-globals": ["error", {
        checkGlobalObject: true,
        globals: [...ofClock, ...["Buffer", "process"].map((name) => ({ name, message: onlyInNode }))]
      }]
    }
  },
  {
    name: "tests",
    files: ["packages/*/{test,typetest}/**/*.ts"],
    rules: {
      // A test of what must not compile says why in its name.
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": false }]
    }
  }
)
