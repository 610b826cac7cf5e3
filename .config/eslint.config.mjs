import * as effect from "@effect/eslint-plugin"
import { defineConfig } from "eslint/config"
import tseslint from "typescript-eslint"

const noThrow = {
  selector: "ThrowStatement",
  message: "A failure is a value: use Effect.fail, Either.left or a Schema filter."
}

const fromClock = "Time comes from effect/Clock or effect/DateTime, so that tests can set it."
const fromRandom = "Randomness comes from effect/Random, so that tests can seed it."

export default defineConfig(
  { ignores: ["**/dist", "**/build", "**/coverage"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    name: "format",
    files: ["**/*.{ts,mts,js,mjs}"],
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
    files: ["**/*.ts"],
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
    files: ["packages/*/src/**/*.ts"],
    rules: {
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "no-restricted-syntax": ["error", noThrow]
    }
  },
  {
    name: "libraries",
    files: ["packages/*/src/**/*.ts"],
    ignores: ["packages/examples/**"],
    rules: {
      "no-console": "error",
      "no-restricted-imports": ["error", {
        paths: ["effect", "@effect/platform"].map((name) => ({
          name,
          message: `Import the module, as in \`import * as Effect from "effect/Effect"\`: the barrel loads everything.`
        }))
      }],
      "no-restricted-globals": ["error", {
        checkGlobalObject: true,
        globals: ["Date", "setTimeout", "setInterval", "setImmediate"].map((name) => ({ name, message: fromClock }))
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
    name: "tests",
    files: ["packages/*/{test,typetest}/**/*.ts"],
    rules: {
      // A test of what must not compile says why in its name.
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": false }]
    }
  }
)
