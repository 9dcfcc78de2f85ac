"""What fields are for: the words of their names, labels and placeholders, in many languages. Data."""

from probe.pages.vocabulary import vocabulary

PASSWORD = vocabulary("""
    en: password, passwd, passwort, pwd, pass phrase, passphrase, pass word, pass, pw, passw
    de: passwort, kennwort
    fr: mot de passe, mdp
    es: contrasena, clave
    pt: senha, palavra passe
    it: password
    nl: wachtwoord
    ja: パスワード, 暗証番号
    sv: losenord
    da: adgangskode
    nb: passord
    fi: salasana
    pl: haslo
    cs: heslo
    tr: sifre, parola
    ru: пароль
    zh: 密码, 密碼
    ko: 비밀번호
""")

NEW_PASSWORD = vocabulary("""
    en: new password, new passwd, password new, confirm password, password confirm, password confirmation,
        repeat password, retype password, re enter password, password again, choose a password, create a password,
        verify password, new pwd, password 2, password repeat, confirmation password
    de: neues passwort, neues kennwort, passwort bestatigen, passwort wiederholen, kennwort bestatigen
    fr: nouveau mot de passe, confirmer le mot de passe, confirmez le mot de passe
    es: nueva contrasena, confirmar contrasena, confirmar la contrasena, repetir contrasena, contrasena nueva
    pt: nova senha, confirmar senha, confirmar a senha, nova palavra passe, confirme a senha
    it: nuova password, conferma password, ripeti password, conferma la password
    nl: nieuw wachtwoord, wachtwoord bevestigen, bevestig wachtwoord, herhaal wachtwoord
    ja: 新しいパスワード, パスワードの確認, パスワード確認, 新パスワード, パスワード再入力
    zh: 新密码, 确认密码
    ko: 새 비밀번호, 비밀번호 확인
    sv: nytt losenord
    pl: nowe haslo
    ru: новый пароль
""")

IDENTIFIER = vocabulary("""
    en: username, user name, user id, userid, user, login, login id, loginid, login name, loginname, email, e mail,
        mail, email address, account, account name, identifier, identity, uid, usr, uname, upn, phone, mobile,
        phone number, member id, customer number, logon, nickname, loginfmt, credential id, mobile number, telephone,
        session key, useridentifier, netid, net id, sign in name
    de: benutzername, benutzer, benutzerkennung, kennung, nutzername, anmeldename, e mail adresse, konto,
        telefonnummer, mobilnummer, kundennummer, nutzer, benutzerkonto
    fr: identifiant, nom d utilisateur, utilisateur, adresse e mail, adresse email, courriel, adresse mail, compte,
        telephone, adresse electronique
    es: usuario, nombre de usuario, correo, correo electronico, identificador, cuenta, telefono, dni
    pt: usuario, utilizador, nome de usuario, nome de utilizador, correio eletronico, identificador, conta, telefone,
        telemovel, cpf
    it: utente, nome utente, posta elettronica, indirizzo email, identificativo, codice fiscale, telefono
    nl: gebruikersnaam, gebruiker, e mailadres, emailadres, inlognaam, telefoonnummer
    ja: ユーザー名, ユーザ名, ユーザーid, ユーザid, メールアドレス, ログインid, アカウント, 電話番号, 会員番号,
        利用者id, id番号
    sv: anvandarnamn, e postadress, e post, personnummer
    da: brugernavn
    nb: brukernavn, e postadresse
    fi: kayttajatunnus, kayttajanimi, sahkoposti
    pl: nazwa uzytkownika, uzytkownik, adres e mail
    cs: uzivatelske jmeno
    tr: kullanici adi, e posta
    ru: имя пользователя, логин, электронная почта, почта, телефон
    zh: 用户名, 邮箱, 手机号, 账号, 帳號, 使用者名稱
    ko: 사용자, 아이디, 이메일
""")

CODE = vocabulary("""
    en: otp, totp, one time code, one time password, one time passcode, onetimecode, onetime, verification code,
        verificationcode, security code, authentication code, auth code, authenticator code, passcode, pass code, 2fa,
        2 fa, mfa, tfa, two factor, twofactor, second factor, 2 step, token code, tokencode, otc, otpcode,
        access code, login code, sign in code, confirmation code, digit code, pin code, pin, backup code, mfacode,
        totpcode, code, challenge response, security token, otp code, factor code, hotp, digit, 6 digit
    de: einmalcode, einmalpasswort, einmalkennwort, bestatigungscode, sicherheitscode, verifizierungscode, prufcode,
        anmeldecode, zugangscode, authentifizierungscode
    fr: code de verification, code a usage unique, code de securite, code d authentification, code de confirmation,
        code unique, mot de passe a usage unique
    es: codigo de verificacion, codigo de seguridad, codigo de un solo uso, codigo, contrasena de un solo uso
    pt: codigo de verificacao, codigo de seguranca, codigo, codigo de uso unico
    it: codice di verifica, codice di sicurezza, codice monouso, codice, codice otp
    nl: verificatiecode, beveiligingscode, eenmalige code, eenmalig wachtwoord, bevestigingscode, toegangscode
    ja: 認証コード, 確認コード, ワンタイム, 検証コード, セキュリティコード, 確認番号, コード
    sv: engangskod, verifieringskod, kod
    da: engangskode, kode
    nb: engangskode
    pl: kod, kod weryfikacyjny
    ru: код, код подтверждения
    tr: dogrulama kodu, kod
    fi: kertakayttokoodi
    zh: 验证码, 驗證碼
    ko: 인증 코드, 인증번호, 인증코드
""")

NOT_A_CODE = vocabulary("""
    en: zip code, postal code, zipcode, postcode, country code, promo code, coupon, invite code, invitation code,
        area code, code challenge, referral, qr code, voucher, access code form, language code, country
    de: postleitzahl, gutschein
    fr: code postal
    es: codigo postal
    pt: codigo postal
    it: codice postale, codice fiscale
    nl: postcode
    ja: 郵便番号, 招待コード
""")

CAPTCHA_FIELD = vocabulary("""
    en: captcha, captcha code, characters you see, characters shown, letters you see, text in the image,
        letters in the image, characters in the image, code shown in, security question, are you human, human check,
        image code, captchacode, not a robot, verify you are human, code in the picture, verification image,
        characters above, recaptcha, hcaptcha
    de: sicherheitsfrage, zeichen im bild, zeichen aus dem bild, captcha, bildcode
    fr: caracteres de l image, texte de l image, caracteres affiches, captcha
    es: caracteres de la imagen, texto de la imagen, letras de la imagen, captcha
    pt: caracteres da imagem, texto da imagem, letras da imagem, captcha
    it: caratteri dell immagine, testo dell immagine, caratteri visualizzati, captcha
    nl: tekens in de afbeelding, tekst in de afbeelding, letters in de afbeelding, captcha
    ja: 画像認証, 画像の文字, 表示されている文字, 画像に表示
    zh: 图形验证码, 图片验证码, 圖形驗證碼
    ru: символы с картинки, код с картинки, капча
    ko: 자동입력, 보안문자
""")

SEARCH = vocabulary("""
    en: search, query, q, find, keywords
    de: suche, suchen, suchbegriff
    fr: recherche, rechercher
    es: buscar, busqueda
    pt: pesquisa, pesquisar, buscar
    it: cerca, ricerca
    nl: zoeken, zoekterm
    ja: 検索
    sv: sok
    zh: 搜索
    ko: 검색
    ru: поиск
    pl: szukaj
""")

OTHER_FIELD = vocabulary("""
    en: first name, firstname, last name, lastname, given name, family name, surname, full name, display name,
        company, company name, address line, street, city, birth, birthday, domain, tenant, realm, organization,
        organisation, workspace, website, comment, message, subject, captcha, coupon, device name, newsletter,
        subscribe, url, zip, postal, zip code, country
    de: vorname, nachname, firma, mandant, strasse, geburtsdatum
    fr: prenom, nom de famille, entreprise
    es: nombre, apellido, apellidos, empresa
    pt: nome, sobrenome, apelido, empresa
    it: nome, cognome, azienda
    nl: voornaam, achternaam, bedrijf
    ja: 氏名, 会社, 住所, 姓, 名
""")

REMEMBER = vocabulary("""
    en: remember, rememberme, remember me, keep me, stay signed, trust, persistent, save, kmsi, don t ask,
        public computer, all devices
    de: angemeldet bleiben, merken, vertrauen
    fr: se souvenir, rester connecte, memoriser
    es: recordar, recordarme, mantener
    pt: lembrar, manter
    it: ricorda, ricordami, resta
    nl: onthouden, ingelogd blijven, aangemeld blijven
    ja: 記憶, 保持, 保存
""")

SCOPE = vocabulary("""
    en: scope, scopes, grant, permission, permissions, granted, claim, claims, openid, profile, offline access,
        consent, scope openid
    de: berechtigung
    fr: autorisation
    es: permiso
    pt: permissao
    it: permesso
    nl: machtiging
""")
"""Check boxes of a consent page that say what is granted."""

GRANTING = vocabulary("""
    en: consent, consents, grant, grants, granted, authorize, authorise, authorization, scope, scopes, oauth, oauth2,
        oidc, approval, approve, permission, permissions, allow, allowed
""")
"""In addresses and names of a consent page: programmers' words, in no other language."""
